// SPDX-License-Identifier: Apache-2.0

/// The commands that a shell script would start, with its variables filled in.
///
/// Nothing is executed. A condition that only a running shell could decide counts as false, or as true if that is asked for.
package struct ShellScript {
  /// The words of each command, in order.
  package private(set) var commands: [[String]] = []

  private var variables: ShellVariables
  private var functions: [String: [ShellCommand]] = [:]
  private var depth = 0
  private let unknownIsTrue: Bool

  /// The commands of a script.
  ///
  /// - Parameters:
  ///   - environment: Variables that the script may use without setting them.
  ///   - folder: The working folder.
  ///   - unknownIsTrue: What a condition counts as that only a running shell could decide.
  package init(_ script: String, environment: [String: String] = [:], folder: String = "", unknownIsTrue: Bool = false)
  {
    self.unknownIsTrue = unknownIsTrue
    variables = ShellVariables(environment: environment, folder: folder)
    run(ShellParser.commands(of: script))
  }

  private mutating func run(_ list: [ShellCommand]) { for command in list { _ = run(command) } }

  /// Runs a command; nil where only a running shell knows whether it succeeds.
  private mutating func run(_ command: ShellCommand) -> Bool? {
    switch command {
    case .simple(let assignments, let words): return simple(assignments, words.flatMap { variables.words(of: $0) })
    case .chain(let first, let rest):
      var outcome = run(first)
      for (isAnd, next) in rest where outcome ?? isAnd == isAnd { outcome = run(next) }
      return outcome
    case .choice(let branches, let otherwise):
      for (condition, body) in branches {
        var outcome: Bool? = true
        for command in condition { outcome = run(command) }
        if outcome ?? unknownIsTrue {
          run(body)
          return true
        }
      }
      run(otherwise)
    case .loop(let name, let words, let body):
      // Once is enough to see what it starts.
      if let first = words.flatMap({ variables.words(of: $0) }).first {
        variables.set(name, [first])
        run(body)
      }
    case .selection(let subject, let branches):
      let text = variables.text(of: subject)
      let chosen = branches.first { branch in
        branch.patterns.contains { pattern in
          let pattern = variables.text(of: pattern)
          return pattern == "*" || pattern == text
        }
      }
      run(chosen?.body ?? [])
    case .group(let list): run(list)
    case .function(let name, let body): functions[name] = body
    }
    return true
  }

  private mutating func simple(_ assignments: [ShellAssignment], _ words: [String]) -> Bool? {
    for assignment in assignments { variables.perform(assignment) }
    guard let name = words.first else { return true }
    if let body = functions[name], depth < 16 {
      depth += 1
      defer { depth -= 1 }
      run(body)
      return true
    }
    switch name {
    case "[", "test", "[[": return ShellTest.value(of: words.dropFirst().filter { !["]", "]]"].contains($0) })
    case "true", ":", "set", "export", "echo", "cd": return true
    case "false": return false
    default:
      commands.append(words)
      return nil
    }
  }
}

/// `[ … ]`, as far as it can be decided without a shell.
enum ShellTest {
  static func value(of words: [String]) -> Bool? {
    if words.contains(where: ["&&", "||", "-a", "-o", "("].contains) { return nil }
    if words.first == "!" { return value(of: Array(words.dropFirst())).map { !$0 } }
    switch words.count {
    case 1: return !words[0].isEmpty
    case 2 where !ShellVariables.isUnknown(words[1]) && words[0] == "-n": return !words[1].isEmpty
    case 2 where !ShellVariables.isUnknown(words[1]) && words[0] == "-z": return words[1].isEmpty
    // A variable that is not set.
    case 2 where words[1].hasPrefix("${"): return words[0] == "-z" ? true : words[0] == "-n" ? false : nil
    case 3:
      let (left, right) = (words[0], words[2])
      if ShellVariables.isUnknown(left + right) { return nil }
      let numbers = Int(left).flatMap { left in Int(right).map { (left, $0) } }
      switch words[1] {
      case "=", "==": return left == right
      case "!=": return left != right
      case "-eq": return numbers.map { $0 == $1 }
      case "-ne": return numbers.map { $0 != $1 }
      case "-gt": return numbers.map { $0 > $1 }
      case "-ge": return numbers.map { $0 >= $1 }
      case "-lt": return numbers.map { $0 < $1 }
      case "-le": return numbers.map { $0 <= $1 }
      default: return nil
      }
    default: return nil
    }
  }
}

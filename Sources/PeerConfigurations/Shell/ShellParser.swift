// SPDX-License-Identifier: Apache-2.0

/// Makes commands of the tokens of a shell script.
///
/// What is no shell is read as far as it goes: a script that cannot run is not our concern, one that is only unusual
/// should still give its training command.
struct ShellParser {
  private let tokens: [ShellToken]
  private var position = 0

  private init(_ tokens: [ShellToken]) { self.tokens = tokens }

  /// The commands of a script.
  static func commands(of script: String) -> [ShellCommand] {
    var parser = ShellParser(ShellLexer.tokens(of: script))
    var commands: [ShellCommand] = []
    while parser.position < parser.tokens.count {
      commands += parser.list(until: [])
      // A closing word without its opening one.
      parser.position += 1
    }
    return commands
  }

  private var current: ShellToken? { position < tokens.count ? tokens[position] : nil }

  private var keyword: String? {
    guard case .word(let pieces)? = current else { return nil }
    return pieces.plain
  }

  private static let closing: Set = ["then", "elif", "else", "fi", "do", "done", "esac", "}"]

  private mutating func skip(_ word: String) -> Bool {
    guard keyword == word else { return false }
    position += 1
    return true
  }

  private mutating func skipSymbol(_ symbol: String) -> Bool {
    guard current == .symbol(symbol) else { return false }
    position += 1
    return true
  }

  private mutating func skipLines() { while current == .newline || current == .symbol(";") { position += 1 } }

  /// Commands up to a closing word or symbol, which is left.
  private mutating func list(until symbols: Set<String>) -> [ShellCommand] {
    var commands: [ShellCommand] = []
    while let token = current {
      switch token {
      case .newline: position += 1
      case .symbol(let symbol) where symbols.contains(symbol): return commands
      case .symbol(";"), .symbol("&"): position += 1
      case .symbol(")"), .symbol(";;"): return commands
      case .word(let pieces) where pieces.plain.map(Self.closing.contains) == true: return commands
      default:
        let before = position
        commands.append(chain())
        if position == before { position += 1 }
      }
    }
    return commands
  }

  private mutating func chain() -> ShellCommand {
    let first = piped()
    var rest: [(isAnd: Bool, command: ShellCommand)] = []
    while case .symbol(let symbol)? = current, symbol == "&&" || symbol == "||" {
      position += 1
      while current == .newline { position += 1 }
      rest.append((symbol == "&&", piped()))
    }
    return rest.isEmpty ? first : .chain(first, rest)
  }

  private mutating func piped() -> ShellCommand {
    let first = command()
    var commands = [first]
    while case .symbol(let symbol)? = current, symbol == "|" || symbol == "|&" {
      position += 1
      while current == .newline { position += 1 }
      commands.append(command())
    }
    return commands.count == 1 ? first : .group(commands)
  }

  private mutating func command() -> ShellCommand {
    if skipSymbol("(") {
      let body = list(until: [")"])
      _ = skipSymbol(")")
      return .group(body)
    }
    switch keyword {
    case "!":
      position += 1
      return command()
    case "{":
      position += 1
      return block()
    case "if":
      position += 1
      return choice()
    case "for":
      position += 1
      return loop()
    case "while", "until":
      position += 1
      _ = list(until: [])
      _ = skip("do")
      let body = list(until: [])
      _ = skip("done")
      return .group(body)
    case "case":
      position += 1
      return selection()
    case "function":
      position += 1
      let name = keyword ?? ""
      position += 1
      if skipSymbol("(") { _ = skipSymbol(")") }
      skipLines()
      return .function(name, [command()])
    default: return simple()
    }
  }

  private mutating func block() -> ShellCommand {
    let body = list(until: [])
    _ = skip("}")
    return .group(body)
  }

  private mutating func choice() -> ShellCommand {
    var branches: [(condition: [ShellCommand], body: [ShellCommand])] = []
    var otherwise: [ShellCommand] = []
    repeat {
      let condition = list(until: [])
      _ = skip("then")
      branches.append((condition, list(until: [])))
    } while skip("elif")
    if skip("else") { otherwise = list(until: []) }
    _ = skip("fi")
    return .choice(branches, otherwise: otherwise)
  }

  private mutating func loop() -> ShellCommand {
    let name = keyword ?? ""
    position += 1
    var words: [[ShellPiece]] = []
    skipLines()
    if skip("in") {
      while case .word(let pieces)? = current {
        words.append(pieces)
        position += 1
      }
    }
    skipLines()
    _ = skip("do")
    let body = list(until: [])
    _ = skip("done")
    return .loop(name, words, body)
  }

  private mutating func selection() -> ShellCommand {
    var subject: [ShellPiece] = []
    if case .word(let pieces)? = current { subject = pieces }
    position += 1
    skipLines()
    _ = skip("in")
    var branches: [(patterns: [[ShellPiece]], body: [ShellCommand])] = []
    skipLines()
    while current != nil, keyword != "esac" {
      _ = skipSymbol("(")
      var patterns: [[ShellPiece]] = []
      while case .word(let pieces)? = current {
        patterns.append(pieces)
        position += 1
        if !skipSymbol("|") { break }
      }
      guard skipSymbol(")") else { break }
      branches.append((patterns, list(until: [";;"])))
      _ = skipSymbol(";;")
      skipLines()
    }
    _ = skip("esac")
    return .selection(subject, branches)
  }

  /// Assignments and words up to the end of the command.
  private mutating func simple() -> ShellCommand {
    var assignments: [ShellAssignment] = []
    var words: [[ShellPiece]] = []
    var isTest = false
    while let token = current {
      switch token {
      case .word(let pieces):
        position += 1
        if isRedirection(pieces) { continue }
        if words.isEmpty || Self.declares(words), var assignment = Self.assignment(pieces) {
          if assignment.value.isEmpty, skipSymbol("(") { assignment.list = listOfWords() }
          assignments.append(assignment)
        } else {
          if words.isEmpty, skipSymbol("(") {
            // `NAME() { … }`
            _ = skipSymbol(")")
            skipLines()
            return .function(pieces.plain ?? "", [command()])
          }
          isTest = isTest || (words.isEmpty && pieces.plain == "[[")
          words.append(pieces)
        }
      case .symbol(let symbol) where [">", ">>", "<", ">&", "&>", "<<"].contains(symbol):
        position += 1
        // What a comparison or a redirection names.
        if isTest {
          words.append([ShellPiece(text: symbol, quoting: .none)])
        } else if case .word? = current {
          position += 1
        }
      case .symbol(let symbol) where isTest && ["&&", "||", "(", ")"].contains(symbol):
        position += 1
        words.append([ShellPiece(text: symbol, quoting: .none)])
      default: return .simple(assignments, words)
      }
      if isTest, words.last?.plain == "]]" { isTest = false }
    }
    return .simple(assignments, words)
  }

  /// `2>` before a symbol of redirection.
  private func isRedirection(_ pieces: [ShellPiece]) -> Bool {
    guard case .symbol(let symbol)? = current, [">", ">>", ">&"].contains(symbol) else { return false }
    return pieces.plain.map { !$0.isEmpty && $0.allSatisfy(\.isNumber) } ?? false
  }

  private mutating func listOfWords() -> [[ShellPiece]] {
    var words: [[ShellPiece]] = []
    while let token = current {
      position += 1
      switch token {
      case .word(let pieces): words.append(pieces)
      case .symbol(")"): return words
      default: break
      }
    }
    return words
  }

  private static func declares(_ words: [[ShellPiece]]) -> Bool {
    ["export", "declare", "local", "readonly", "typeset"].contains(words[0].plain ?? "")
  }

  /// The assignment that a word is: its name stands unquoted before `=`.
  private static func assignment(_ pieces: [ShellPiece]) -> ShellAssignment? {
    guard let first = pieces.first, first.quoting == .none, let equals = first.text.firstIndex(of: "=") else {
      return nil
    }
    var name = String(first.text[..<equals])
    let appends = name.hasSuffix("+")
    if appends { name.removeLast() }
    guard let start = name.first, start.isLetter || start == "_",
      name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
    else { return nil }
    var value = Array(pieces.dropFirst())
    let rest = String(first.text[first.text.index(after: equals)...])
    if !rest.isEmpty { value.insert(ShellPiece(text: rest, quoting: .none), at: 0) }
    return ShellAssignment(name: name, appends: appends, list: nil, value: value)
  }
}

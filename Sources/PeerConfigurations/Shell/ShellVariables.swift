// SPDX-License-Identifier: Apache-2.0

/// The variables of a script, and what words with them become.
///
/// What only a running shell knows, such as `$(date)`, stays in the text as it was written.
struct ShellVariables {
  private var values: [String: [String]] = [:]
  private let environment: [String: String]
  private let folder: String

  /// - Parameters:
  ///   - environment: Variables that the script may use without setting them.
  ///   - folder: What `$(pwd)` is.
  init(environment: [String: String], folder: String) {
    self.environment = environment
    self.folder = folder
  }

  /// The elements of a variable; nil if it is not set.
  func elements(of name: String) -> [String]? { values[name] ?? environment[name].map { [$0] } }

  private func text(of name: String) -> String? { elements(of: name)?.first }

  mutating func set(_ name: String, _ elements: [String]) { values[name] = elements }

  mutating func append(_ name: String, _ elements: [String], isList: Bool) {
    let before = elements.isEmpty ? [] : self.elements(of: name) ?? []
    values[name] = isList ? before + elements : [(before.first ?? "") + (elements.first ?? "")] + before.dropFirst()
  }

  mutating func perform(_ assignment: ShellAssignment) {
    let isList = assignment.list != nil
    let elements = assignment.list.map { $0.flatMap { words(of: $0) } } ?? [text(of: assignment.value)]
    if assignment.appends {
      append(assignment.name, elements, isList: isList)
    } else {
      set(assignment.name, elements)
    }
  }

  /// A word as one text, as an assignment takes it.
  func text(of pieces: [ShellPiece]) -> String {
    pieces.map { $0.quoting == .literal ? $0.text : expanded($0.text).joined(separator: " ") }.joined()
  }

  /// The words that a word becomes: an unquoted variable is split at white space, a list gives its elements.
  func words(of pieces: [ShellPiece]) -> [String] {
    var words: [String] = []
    var current: String?
    for piece in pieces {
      switch piece.quoting {
      case .literal: current = (current ?? "") + piece.text
      case .double:
        let parts = expanded(piece.text)
        // "${LIST[@]}" without elements is no word.
        guard let first = parts.first else { continue }
        current = (current ?? "") + first
        for part in parts.dropFirst() {
          words.append(current ?? "")
          current = part
        }
      case .none:
        let text = expanded(piece.text).joined(separator: " ")
        guard piece.text.contains("$"), !Self.isUnknown(text) else {
          current = (current ?? "") + text
          continue
        }
        for (index, part) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isWhitespace).enumerated() {
          if index > 0 {
            if let current { words.append(current) }
            current = nil
          }
          if !part.isEmpty { current = (current ?? "") + part }
        }
      }
    }
    if let current { words.append(current) }
    return words
  }

  /// Whether a text holds what only a running shell knows.
  static func isUnknown(_ text: String) -> Bool { text.contains("$(") || text.contains("`") || text.contains("${") }

  /// The text with its variables replaced; several texts where `${LIST[@]}` has several elements.
  private func expanded(_ text: String) -> [String] {
    var result = [""]
    var rest = Substring(text)
    while let dollar = rest.firstIndex(of: "$") {
      result[result.count - 1] += rest[..<dollar]
      let (values, length) = expansion(rest[dollar...])
      rest = rest[rest.index(dollar, offsetBy: length)...]
      if values.isEmpty, result == [""], rest.isEmpty { return [] }
      result[result.count - 1] += values.first ?? ""
      result += values.dropFirst()
    }
    result[result.count - 1] += rest
    return result
  }

  /// What an expansion at the beginning of a text stands for, and how long it is.
  private func expansion(_ text: Substring) -> (values: [String], length: Int) {
    if text.hasPrefix("$((") {
      let inner = Self.balanced(text.dropFirst(), "(", ")")
      let expression = inner.dropFirst(2).dropLast(2)
      let value = ShellArithmetic.value(of: expanded(String(expression)).joined()) { Int(self.text(of: $0) ?? "") }
      return ([value.map(String.init) ?? "$" + String(inner)], inner.count + 1)
    }
    if text.hasPrefix("$(") {
      let inner = Self.balanced(text.dropFirst(), "(", ")")
      let command = inner.dropFirst().dropLast().split(separator: " ").joined(separator: " ")
      return ([command == "pwd" ? folder : "$" + String(inner)], inner.count + 1)
    }
    if text.hasPrefix("${") {
      let inner = Self.balanced(text.dropFirst(), "{", "}")
      return (parameter(inner.dropFirst().dropLast()), inner.count + 1)
    }
    let name = text.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    if let first = name.first, first.isLetter || first == "_" {
      return ([self.text(of: String(name)) ?? (name == "pwd" ? "" : "${\(name)}")], name.count + 1)
    }
    // Arguments of the script: none are given.
    if text.dropFirst().first.map({ $0.isNumber || "@*#".contains($0) }) == true { return ([], 2) }
    return (["$"], 1)
  }

  /// `NAME`, `NAME[@]`, `NAME:-DEFAULT` and the like.
  private func parameter(_ inner: Substring) -> [String] {
    let name = inner.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" }
    var rest = inner.dropFirst(name.count)
    var elements = elements(of: String(name))
    for list in ["[@]", "[*]"] where rest.hasPrefix(list) {
      rest = rest.dropFirst(list.count)
      return elements ?? []
    }
    if elements?.count ?? 0 > 1 { elements = Array(elements?.prefix(1) ?? []) }
    for (mark, takesEmpty) in [(":-", true), (":=", true), ("-", false), ("=", false)] where rest.hasPrefix(mark) {
      if let elements, !(takesEmpty && elements == [""]) { return elements }
      return expanded(Self.unquoted(String(rest.dropFirst(mark.count))))
    }
    if rest.hasPrefix(":+") || rest.hasPrefix("+") {
      return elements == nil ? [""] : expanded(Self.unquoted(String(rest.drop { ":+".contains($0) })))
    }
    // A script's own arguments, with no default, are not given.
    if name.first?.isNumber == true || name == "@" { return [""] }
    guard let elements, rest.isEmpty || rest.hasPrefix(":?") else { return ["${\(inner)}"] }
    return elements
  }

  private static func unquoted(_ text: String) -> String {
    guard text.count > 1, let first = text.first, first == text.last, "\"'".contains(first) else { return text }
    return String(text.dropFirst().dropLast())
  }

  private static func balanced(_ text: Substring, _ open: Character, _ close: Character) -> Substring {
    var depth = 0
    for index in text.indices {
      if text[index] == open { depth += 1 }
      if text[index] == close { depth -= 1 }
      if depth == 0 { return text[...index] }
    }
    return text
  }
}

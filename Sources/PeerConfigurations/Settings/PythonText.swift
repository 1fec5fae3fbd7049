// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// What a Python program says in plain sight: its documentation, and literal arguments of calls.
///
/// The program is not run, and no Python is needed: arguments that are computed are named as such.
struct PythonText {
  private let text: [Character]

  init(_ text: String) { self.text = Array(text) }

  /// The text in triple quotes at the beginning.
  var documentation: String {
    let all = String(text)
    guard let start = all.range(of: "\"\"\""), let end = all[start.upperBound...].range(of: "\"\"\"") else { return "" }
    return String(all[start.upperBound..<end.lowerBound])
  }

  /// The arguments by name of the first call of a function that have literal values; nil without a call.
  func arguments(of function: String) -> [(String, JSONValue)]? {
    call(of: function)?.compactMap { name, source in Self.literal(source).map { (name, $0) } }
  }

  /// The names of its arguments that are computed.
  func unreadArguments(of function: String) -> [String] {
    (call(of: function) ?? []).filter { Self.literal($0.1) == nil }.map(\.0)
  }

  private func call(of function: String) -> [(String, String)]? {
    let opening = Array(function + "(")
    var index = 0
    while index + opening.count <= text.count {
      let isWord = index > 0 && (text[index - 1].isLetter || text[index - 1] == "_")
      if !isWord, Array(text[index..<index + opening.count]) == opening {
        return Self.arguments(in: text[(index + opening.count)...])
      }
      index += 1
    }
    return nil
  }

  /// `name=value` pairs up to the closing bracket.
  private static func arguments(in text: ArraySlice<Character>) -> [(String, String)] {
    var pairs: [(String, String)] = []
    var current = ""
    var depth = 0
    var quote: Character?
    var isComment = false
    func finish() {
      guard let equals = current.firstIndex(of: "=") else { return }
      let name = current[..<equals].trimmingCharacters(in: " \n\t")
      if name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }), !name.isEmpty {
        pairs.append((name, current[current.index(after: equals)...].trimmingCharacters(in: " \n\t")))
      }
    }
    for character in text {
      if isComment {
        isComment = character != "\n"
        continue
      }
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "\"" || character == "'" {
        quote = character
      } else if character == "#" {
        isComment = true
        continue
      } else if "([{".contains(character) {
        depth += 1
      } else if ")]}".contains(character) {
        if depth == 0 { break }
        depth -= 1
      } else if character == ",", depth == 0 {
        finish()
        current = ""
        continue
      }
      current.append(character)
    }
    finish()
    return pairs
  }

  /// A number, a text, `True`, `None`, or a list of those or of names of functions.
  private static func literal(_ source: String) -> JSONValue? {
    if let first = source.first, first == "[", source.last == "]" {
      var elements: [JSONValue] = []
      for part in source.dropFirst().dropLast().split(separator: ",") {
        let part = part.trimmingCharacters(in: " \n\t")
        if part.isEmpty { continue }
        guard let value = literal(part) ?? name(part) else { return nil }
        elements.append(value)
      }
      return .array(elements)
    }
    if let first = source.first, source.count > 1, "\"'".contains(first), source.last == first {
      return .string(String(source.dropFirst().dropLast()))
    }
    if source == "..." { return nil }
    switch SettingText.scalar(source) {
    case .string: return nil
    case let value: return value
    }
  }

  private static func name(_ source: String) -> JSONValue? {
    source.allSatisfy { $0.isLetter || $0.isNumber || "_.".contains($0) } ? .string(source) : nil
  }
}

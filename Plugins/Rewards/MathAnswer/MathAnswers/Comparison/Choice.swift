// SPDX-License-Identifier: Apache-2.0

/// The option of a multiple-choice question that an answer names: `C`, `(C)`, `C.`, `Option C`, `(C) 5`, `C: 5 cm`.
struct Choice {
  /// The letter, in upper case.
  let letter: UInt8
  /// Whether the answer is nothing but the letter.
  let isAll: Bool

  /// Reads an answer's reduced form; nil where it names no option, or several.
  init?(_ form: [UInt8]) {
    guard let first = form.first, first.isLetter || first == UInt8(ascii: "(") || first >= 0x80 else { return nil }
    var rest = form[...]
    var isSaid = false
    for word in Self.words where rest.holdsWord(word, at: 0) && rest.count > word.utf8CodeUnitCount {
      rest = rest.dropFirst(word.utf8CodeUnitCount)
      isSaid = true
      break
    }
    for word in Self.endings where rest.ends(with: word) {
      rest = rest.dropLast(word.utf8CodeUnitCount)
      isSaid = true
    }
    let isOpen = rest.first == UInt8(ascii: "(")
    if isOpen { rest.removeFirst() }
    guard let first = rest.first, first.isLetter else { return nil }
    letter = first.lowercased - 0x20
    if isSaid, !first.isCapital { return nil }
    rest.removeFirst()
    if rest.isEmpty, !isOpen {
      isAll = true
      return
    }
    guard let mark = rest.first else { return nil }
    guard mark == UInt8(ascii: ")") || !isOpen && (mark == UInt8(ascii: ".") || mark == UInt8(ascii: ":")) else {
      return nil
    }
    rest.removeFirst()
    isAll = rest.isEmpty
    if isAll { return }
    // `(x) + 1` is no choice: capital letters only, and nothing that goes on as a formula.
    guard first.isCapital, letter <= UInt8(ascii: "J"), let next = rest.first,
      !"+-*/^_=<>,!|)]}".utf8.contains(next)
        || !isOpen && mark != UInt8(ascii: ")")
    else { return nil }
    if Self.namesOption(rest) { return nil }
  }

  /// Whether a text names a further option: `(A) or (B)`, `A: 5, B: 6`.
  private static func namesOption(_ text: ArraySlice<UInt8>) -> Bool {
    for (position, byte) in zip(text.indices, text) where byte.isCapital && byte <= UInt8(ascii: "J") {
      if position > text.startIndex, text[position - 1].isLetter,
        !["or", "and"].contains(where: { text[..<position].reversed().starts(with: $0.utf8.reversed()) })
      {
        continue
      }
      let next = position + 1
      if next == text.endIndex || ").:=,".utf8.contains(text[next]) { return true }
    }
    return false
  }

  private static let words: [StaticString] = ["option", "choice", "answer", "选项", "选择", "选"]
  private static let endings: [StaticString] = ["选项", "项", "。"]

  /// What stands behind the letter in the answer as it was written; nil where nothing does.
  func text(of answer: [UInt8]) -> [UInt8]? {
    guard !isAll, let mark = answer.firstIndex(where: { ").:".utf8.contains($0) }) else { return nil }
    let text = answer[(mark + 1)...].trimmed
    return text.isEmpty ? nil : Array(text)
  }
}

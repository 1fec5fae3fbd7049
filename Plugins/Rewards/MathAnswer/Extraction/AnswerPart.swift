// SPDX-License-Identifier: Apache-2.0

/// Finds the part of a text that is its answer.
enum AnswerPart {
  /// The answer by the first of these that finds one: boxes, an answer tag, the whole text where it is an answer, what
  /// follows "answer is", the last formula, the last number, a letter that stands alone.
  static func automatic(in text: ArraySlice<UInt8>) -> [UInt8]? {
    if let boxes = boxed(in: text) { return boxes }
    if let tagged = tagged(in: text) { return automaticInside(tagged) }
    return automaticInside(text)
  }

  /// The expected answer: a short text without marks of a formula is one as it stands, `the 30 g ball`.
  static func expected(in text: ArraySlice<UInt8>) -> [UInt8] {
    let isWhole = text.count <= 200 && !text.contains(UInt8(ascii: "$")) && !text.contains(UInt8(ascii: "<"))
    if let boxes = boxed(in: text) { return boxes }
    if isWhole { return Array(text) }
    return automatic(in: text) ?? Array(text)
  }

  private static func automaticInside(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let text = text.trimmed
    if text.isEmpty { return nil }
    if isShort(text), !Answer(Array(text)).readings.isEmpty || ProseSearch.isOneWord(text) { return Array(text) }
    return ProseSearch.answer(in: text)
  }

  /// Texts beyond a few lines are searched, not read whole.
  private static func isShort(_ text: ArraySlice<UInt8>) -> Bool { text.count <= 4096 }

  /// What the last `\boxed{…}` holds; boxes before it that only `and`, `or` and commas separate from it belong to it.
  static func boxed(in text: ArraySlice<UInt8>) -> [UInt8]? {
    guard let last = box(endingIn: text) else { return nil }
    var parts = [last.content]
    var start = last.start
    while parts.count < 64, let before = box(endingIn: text[..<start]), isConnective(text[before.end..<start]) {
      parts.append(before.content)
      start = before.start
    }
    if parts.count == 1 { return Array(last.content) }
    return Array(parts.reversed().joined(separator: Array(", ".utf8)))
  }

  /// The last box in a text, where it is closed.
  private static func box(endingIn text: ArraySlice<UInt8>) -> (content: ArraySlice<UInt8>, start: Int, end: Int)? {
    var command = text.last("\\boxed")
    if let framed = text.last("\\fbox"), framed > command ?? -1 { command = framed }
    guard let command else { return nil }
    var open = command + (text.holds("\\boxed", at: command) ? 6 : 5)
    while open < text.endIndex, text[open].isSpace { open += 1 }
    guard open < text.endIndex, text[open] == UInt8(ascii: "{") else { return nil }
    var depth = 0
    var position = open + 1
    while position < text.endIndex {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        if depth == 0 { return (text[(open + 1)..<position].trimmed, command, position + 1) }
        depth -= 1
      default: break
      }
      position += 1
    }
    return nil
  }

  /// Whether what stands between two boxes only connects them.
  private static func isConnective(_ text: ArraySlice<UInt8>) -> Bool {
    guard text.count <= 70 else { return false }
    var words: [UInt8] = []
    var position = text.startIndex
    var commands = 0
    while position < text.endIndex {
      let byte = text[position]
      position += 1
      if byte == UInt8(ascii: "\\") {
        let start = position
        while position < text.endIndex, text[position].isLetter { position += 1 }
        let name = text[start..<position]
        if name.isEmpty {
          position += 1
        } else if case .nothing? = Vocabulary.command(name) {
          commands += 1
        } else if case .words? = Vocabulary.command(name) {
          commands += 1
        } else {
          return false
        }
      } else if byte.isLetter || byte.isDigit {
        words.append(byte.lowercased)
      } else if ".=+-*/^_(:".utf8.contains(byte) {
        return false
      } else if !words.isEmpty, words.last != 0x20 {
        words.append(0x20)
      }
    }
    while words.last == 0x20 { words.removeLast() }
    return words.isEmpty || words.elementsEqual("and".utf8) || words.elementsEqual("or".utf8)
  }

  /// What the last closed `<answer>…</answer>` holds; of a box in it, that.
  static func tagged(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = text.last("</answer>"), let start = text[..<end].last("<answer>") else { return nil }
    return text[(start + 8)..<end].trimmed
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Finds what follows "the answer is" and its like.
enum AnswerCue {
  /// How much of the end of a text is searched.
  private static let reach = 4096

  /// The rest of the line behind the last "answer is", "answer:" or 答案是, without a full stop at its end; nil for none.
  static func answer(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let start = end(in: text) else { return nil }
    var rest = text[start...]
    if let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }), !rest[..<end].trimmed.isEmpty {
      rest = rest[..<end]
    }
    rest = rest.trimmed
    while let last = rest.last, last == UInt8(ascii: ".") || last.isSpace { rest = rest.dropLast() }
    if rest.suffix(3).elementsEqual("。".utf8) { rest = rest.dropLast(3).trimmed }
    return rest.isEmpty ? nil : rest
  }

  /// Where the last "answer is", "answer:" or 答案是 ends.
  static func end(in text: ArraySlice<UInt8>) -> Int? {
    let end = text.suffix(reach)
    var position = end.endIndex - 1
    while position >= end.startIndex {
      if let found = endOfCue(in: end, at: position) { return found }
      position -= 1
    }
    return nil
  }

  private static func endOfCue(in text: ArraySlice<UInt8>, at position: Int) -> Int? {
    var next: Int
    if holdsAnswer(text, position) {
      next = position + 6
    } else if text.holds("答案", at: position) {
      next = position + 6
    } else {
      return nil
    }
    var isCue = false
    while next < text.endIndex {
      let byte = text[next]
      if byte.isSpace || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "_") {
        next += 1
      } else if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "=") {
        isCue = true
        next += 1
      } else if text.holds("：", at: next) || text.holds("是", at: next) || text.holds("为", at: next) {
        isCue = true
        next += 3
      } else if let verb = verb(text, next) {
        isCue = true
        next = verb
      } else {
        break
      }
    }
    return isCue ? next : nil
  }

  private static func holdsAnswer(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    guard position + 6 <= text.endIndex, text[position].lowercased == UInt8(ascii: "a") else { return false }
    return text[position..<(position + 6)].elementsEqual("answer".utf8) { $0.lowercased == $1 }
  }

  private static func verb(_ text: ArraySlice<UInt8>, _ position: Int) -> Int? {
    for word in ["is", "would be", "should be", "must be"] as [StaticString] {
      let end = position + word.utf8CodeUnitCount
      guard end <= text.endIndex, end == text.endIndex || !text[end].isWord else { continue }
      if text.holds(word, at: position) || word.utf8CodeUnitCount == 2 && text.holds("IS", at: position) { return end }
    }
    return nil
  }
}

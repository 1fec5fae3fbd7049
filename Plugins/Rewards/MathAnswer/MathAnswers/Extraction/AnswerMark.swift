// SPDX-License-Identifier: Apache-2.0

/// Finds the words that announce an answer: "the answer is", "Answer:", "the correct option is", 答案, 故选.
package struct AnswerMark {
  /// Where it begins.
  let start: Int
  /// Where it ends.
  let end: Int
  /// Whether it says "final answer".
  let isFinal: Bool

  /// The last mark in a text.
  static func last(in text: ArraySlice<UInt8>) -> AnswerMark? {
    var position = text.endIndex - 1
    while position >= text.startIndex {
      if let mark = mark(at: position, in: text) { return mark }
      position -= 1
    }
    return nil
  }

  /// How much of the end of a text is searched for an announcement.
  private static let reach = 4096

  /// Where the last announcement ends, with its verb or colon: "the answer is", "Answer:", 答案是; nil for none.
  package static func lastAnnouncement(in text: ArraySlice<UInt8>) -> Int? {
    var searched = text.suffix(reach)
    while let mark = last(in: searched) {
      if let end = endOfAnnouncement(in: text[mark.end...]) { return end }
      searched = searched[..<mark.start]
    }
    return nil
  }

  /// Where a verb or a colon behind a mark ends; nil where neither follows.
  private static func endOfAnnouncement(in sentence: ArraySlice<UInt8>) -> Int? {
    let rest = skippingVerb(in: sentence)
    let said = sentence[..<rest.startIndex]
    return said.contains { !$0.isSpace && !"*_".utf8.contains($0) } ? rest.startIndex : nil
  }

  private static func mark(at position: Int, in text: ArraySlice<UInt8>) -> AnswerMark? {
    switch text[position] | 0x20 {
    case UInt8(ascii: "a"):
      guard text.holdsWord("answer", at: position) else { return nil }
      let isFinal = position - 6 >= text.startIndex && text.holdsWord("final ", at: position - 6)
      return AnswerMark(start: position, end: position + 6, isFinal: isFinal)
    // An option is one that is said to be the one: "option is", not "option".
    case UInt8(ascii: "o"): return saying("option", at: position, in: text)
    case UInt8(ascii: "c"): return saying("choice", at: position, in: text)
    case 0xE0...0xFF:
      for word in foreign where text.holds(word, at: position) {
        return AnswerMark(start: position, end: position + word.utf8CodeUnitCount, isFinal: false)
      }
      return nil
    default: return nil
    }
  }

  private static func saying(_ word: StaticString, at position: Int, in text: ArraySlice<UInt8>) -> AnswerMark? {
    guard text.holdsWord(word, at: position) else { return nil }
    let end = position + word.utf8CodeUnitCount
    return text.holdsWord(" is ", at: end) || text.holdsWord(": ", at: end) || text.holdsWord(" is:", at: end)
      ? AnswerMark(start: position, end: end, isFinal: false) : nil
  }

  private static let foreign: [StaticString] = ["答案", "故选", "应选", "答え", "정답", "답"]

  /// The rest of a sentence behind a mark, without "is", a colon, emphasis and space.
  static func skippingVerb(in sentence: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = sentence
    skipMarks(&rest)
    for verb in verbs where rest.holdsWord(verb, at: rest.startIndex) {
      let end = rest.startIndex + verb.utf8CodeUnitCount
      // `is` and not `isosceles`
      if end < rest.endIndex, text(rest[end], continues: verb) { continue }
      rest = rest[end...]
      skipMarks(&rest)
    }
    return rest
  }

  private static func text(_ byte: UInt8, continues verb: StaticString) -> Bool { byte.isLetter && verb.isASCII }

  private static let verbs: [StaticString] = [
    "to the question", "to this question", "should be", "must be", "would be", "will be", "is", "are", "应该", "应", "是",
    "为",
    "は", "은", "는", "option", "choice",
  ]

  private static func skipMarks(_ rest: inout ArraySlice<UInt8>) {
    while let byte = rest.first {
      if ":*=".utf8.contains(byte) || byte.isSpace {
        rest.removeFirst()
      } else if rest.holds("：", at: rest.startIndex) {
        rest.removeFirst(3)
      } else {
        break
      }
    }
  }

  /// The capital letter that a sentence begins with, where it stands alone and is not the only word of its kind:
  /// `B because (A) is wrong`, `(B)`, `**B**, since …`.
  static func leadingOption(in sentence: ArraySlice<UInt8>) -> UInt8? {
    var rest = sentence
    while let byte = rest.first, byte == UInt8(ascii: "(") || byte == UInt8(ascii: "*") || byte.isSpace {
      rest.removeFirst()
    }
    guard let letter = rest.first, letter.isCapital, letter <= UInt8(ascii: "J") else { return nil }
    let after = rest.dropFirst()
    guard let next = after.first else { return letter }
    if next.isLetter || next.isDigit || "+-=^_/<>'{[".utf8.contains(next) { return nil }
    if next == UInt8(ascii: "("), rest.startIndex == sentence.startIndex { return nil }
    // `A, B and C`, `A or B`: several are none.
    let words = after.drop { ",)*. ".utf8.contains($0) }
    for hedge in hedges where words.holdsWord(hedge, at: words.startIndex) { return nil }
    if let second = words.first, second.isCapital, words.count == 1 || !words[words.startIndex + 1].isLetter {
      return nil
    }
    return letter
  }

  private static let hedges: [StaticString] = ["or ", "and ", "=", "+", "-", "is wrong", "is incorrect", "is not"]
}

extension StaticString {
  fileprivate var isASCII: Bool { utf8Start[0] < 0x80 }
}

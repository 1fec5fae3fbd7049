// SPDX-License-Identifier: Apache-2.0

/// A word, a command of TeX, a character beyond ASCII or a mark of a text.
package struct TextWord {
  /// What it is, in lower case.
  package let text: String
  /// Where it stands.
  package let range: Range<Int>

  /// The words of a text, in time linear in its length; an apostrophe within a word belongs to it.
  package static func words(of text: ArraySlice<UInt8>) -> [TextWord] {
    var words: [TextWord] = []
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      var end = position + 1
      if byte.isSpace {
        position = end
        continue
      }
      if byte == UInt8(ascii: "\\") || byte.isLetter {
        while end < text.endIndex, text[end].isLetter || byte.isLetter && isApostrophe(in: text, at: end) { end += 1 }
        if end == position + 1, byte == UInt8(ascii: "\\"), end < text.endIndex { end += 1 }
      } else if byte >= 0xC0 {
        while end < text.endIndex, text[end] & 0xC0 == 0x80 { end += 1 }
      }
      let word = String(decoding: text[position..<end].map(\.lowercased), as: UTF8.self)
      words.append(TextWord(text: word, range: position..<end))
      position = end
    }
    return words
  }

  private static func isApostrophe(in text: ArraySlice<UInt8>, at position: Int) -> Bool {
    text[position] == UInt8(ascii: "'") && position + 1 < text.endIndex && text[position + 1].isLetter
  }
}

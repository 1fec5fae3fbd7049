// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A word, a character of a script without spaces, or a mark, as a choice is looked for among them.
struct ChoiceToken {
  /// What it is, in lower case: `option`, `选`, `(`.
  let text: String
  /// The letter as it was written, where it is a single one of ASCII.
  var letter: UInt8?
  /// Whether space stands before it.
  let spaced: Bool
  /// Whether it begins a line.
  let beginsLine: Bool

  /// Whether it is made of letters or digits.
  var isWord: Bool {
    guard let first = text.unicodeScalars.first else { return false }
    return first.isASCII ? text.utf8.first?.isWord ?? false : first.properties.isAlphabetic
  }

  /// Whether it is of a script that writes words without space between them.
  var isUnspaced: Bool { text.unicodeScalars.first?.value.isOfUnspacedScript ?? false }

  /// Commands of TeX that show what is between their braces, or only set it apart.
  private static let plainCommands: Set<String> = [
    "text", "textbf", "textit", "textrm", "textsf", "texttt", "mathrm", "mathbf", "mathsf", "mathit", "mathtt", "mbox",
    "boldsymbol", "bm", "bf", "rm", "left", "right", "displaystyle", "boxed", "fbox", "framebox", "quad", "qquad",
    "operatorname",
  ]

  /// Cuts a cleaned text up; marks of TeX and of emphasis are left out.
  static func tokens(of text: ArraySlice<UInt8>) -> [ChoiceToken] {
    var tokens: [ChoiceToken] = []
    var spaced = false
    var beginsLine = true
    func add(_ text: String, letter: UInt8? = nil) {
      tokens.append(ChoiceToken(text: text, letter: letter, spaced: spaced, beginsLine: beginsLine))
      spaced = false
      beginsLine = false
    }
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      if byte.isSpace {
        spaced = true
        if byte == 0x0A || byte == 0x0D { beginsLine = true }
        position += 1
      } else if byte == UInt8(ascii: "\\") {
        let name = text[(position + 1)...].prefix(while: \.isLetter)
        position += 1 + max(1, name.count)
        if name.isEmpty {
          // `\(`, `\,`, `\$` set apart; `\\` ends a line.
          spaced = true
          if position <= text.endIndex, text[position - 1] == UInt8(ascii: "\\") { beginsLine = true }
        } else if plainCommands.contains(name.text) {
          if name.text.hasSuffix("quad") { spaced = true }
        } else {
          add("\\" + name.text)
        }
      } else if "{}$*\"`~".utf8.contains(byte) || byte == UInt8(ascii: "_") && !joins(text, position) {
        position += 1
      } else if byte.isLetter || byte.isDigit || byte >= 0x80 {
        let end = endOfWord(in: text, from: position)
        let word = text[position..<end]
        add(word.text.lowercased(), letter: word.count == 1 && byte.isLetter ? byte : nil)
        position = end
      } else {
        add(String(UnicodeScalar(byte)))
        position += 1
      }
    }
    return tokens
  }

  /// Whether an underscore stands within a name.
  private static func joins(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    position > text.startIndex && text[position - 1].isWord && position + 1 < text.endIndex
      && (text[position + 1].isWord || text[position + 1] == UInt8(ascii: "{"))
  }

  /// A word goes on over letters, digits, apostrophes and underscores within; a character of a script without spaces is one.
  private static func endOfWord(in text: ArraySlice<UInt8>, from start: Int) -> Int {
    var position = start
    while position < text.endIndex {
      let byte = text[position]
      if byte >= 0x80 {
        let (scalar, length) = text.scalar(at: position)
        if scalar.isOfUnspacedScript || !isLetterBeyondASCII(scalar) {
          return position == start ? position + length : position
        }
        position += length
      } else if byte.isLetter || byte.isDigit
        || (byte == UInt8(ascii: "'") || byte == UInt8(ascii: "_")) && position > start
          && position + 1 < text.endIndex
          && (text[position + 1].isWord || byte == UInt8(ascii: "_") && text[position + 1] == UInt8(ascii: "{"))
      {
        position += 1
      } else {
        break
      }
    }
    return position
  }

  private static func isLetterBeyondASCII(_ scalar: UInt32) -> Bool {
    UnicodeScalar(scalar)?.properties.isAlphabetic ?? false
  }
}

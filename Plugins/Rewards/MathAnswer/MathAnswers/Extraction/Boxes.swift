// SPDX-License-Identifier: Apache-2.0

/// Finds the boxes of TeX in a text: `\boxed{…}`, `\fbox{…}`, `\framebox{…}`, and `\boxed 5`.
package enum Boxes {
  /// How many boxes side by side are one answer.
  private static let largestCount = 256
  private static let commands: [StaticString] = ["\\boxed", "\\fbox", "\\framebox"]

  /// What a box holds, and where it stands.
  package struct Box {
    package let content: ArraySlice<UInt8>
    package let start: Int
    package let end: Int
  }

  /// The last box with those before it that only `and`, `or`, commas and space separate from it, in order.
  package static func last(in text: ArraySlice<UInt8>) -> [Box] { sideBySide(in: text, single) }

  /// The last of a kind of place in a text, with those before it that only `and`, `or`, commas and space separate from
  /// it, in order.
  package static func sideBySide(in text: ArraySlice<UInt8>, _ last: (ArraySlice<UInt8>) -> Box?) -> [Box] {
    guard let place = last(text) else { return [] }
    var places = [place]
    while places.count < largestCount, let before = last(text[..<places[places.count - 1].start]),
      isConnective(text[before.end..<places[places.count - 1].start])
    {
      places.append(before)
    }
    return places.reversed()
  }

  /// The last box in a text, up to the brace that closes it; nil where there is none, or it stays open.
  ///
  /// `\{` and `\}` are characters of the answer, not braces. Of boxes in boxes the innermost last one counts.
  package static func single(in text: ArraySlice<UInt8>) -> Box? {
    var rest = text
    while let start = rest.lastIndex(of: UInt8(ascii: "\\")) {
      rest = text[..<start]
      guard let command = commands.first(where: { text.holds($0, at: start) }) else { continue }
      let end = start + command.utf8CodeUnitCount
      var open = end
      while open < text.endIndex, text[open].isSpace { open += 1 }
      if text.holds("{", at: open) { return closed(in: text, start: start, open: open) }
      // `\boxed 5`; a command without anything is none.
      let content = text[open...].prefix { !$0.isSpace && !"$\\,.".utf8.contains($0) }
      if open > end, !content.isEmpty { return Box(content: content, start: start, end: content.endIndex) }
    }
    return nil
  }

  private static func closed(in text: ArraySlice<UInt8>, start: Int, open: Int) -> Box? {
    var depth = 0
    var position = open + 1
    while position < text.endIndex {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        if depth == 0 {
          return Box(content: text[(open + 1)..<position].trimmed, start: start, end: position + 1)
        }
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
    while position < text.endIndex {
      let byte = text[position]
      position += 1
      if byte == UInt8(ascii: "\\") {
        let start = position
        while position < text.endIndex, text[position].isLetter { position += 1 }
        let name = text[start..<position]
        if name.isEmpty {
          position += 1
          continue
        }
        switch Vocabulary.command(name) {
        case .nothing, .words, .gap: break
        default: return false
        }
      } else if byte.isLetter || byte.isDigit || byte >= 0x80 {
        words.append(byte.lowercased)
      } else if ".=+-*/^_(:".utf8.contains(byte) {
        return false
      } else if !words.isEmpty, words.last != 0x20 {
        words.append(0x20)
      }
    }
    while words.last == 0x20 { words.removeLast() }
    return words.isEmpty || connectives.contains { words.elementsEqual($0.utf8) }
  }

  private static let connectives = ["and", "or", "和", "或", "与", "及", "以及", "或者", "、", "と", "または", "또는"]
}

// SPDX-License-Identifier: Apache-2.0

/// Finds the boxes of TeX in a text: `\boxed{…}`, `\fbox{…}`, `\framebox{…}`, and `\boxed 5`.
enum Boxes {
  /// How many boxes side by side are one answer.
  private static let largestCount = 256
  private static let commands: [StaticString] = ["\\boxed", "\\fbox", "\\framebox"]

  /// What a box holds, and where it stands.
  struct Box {
    let content: ArraySlice<UInt8>
    let start: Int
    let end: Int
  }

  /// The last box with those before it that only `and`, `or`, commas and space separate from it, in order.
  static func last(in text: ArraySlice<UInt8>) -> [Box] {
    guard let last = box(endingIn: text) else { return [] }
    var boxes = [last]
    while boxes.count < largestCount, let before = box(endingIn: text[..<boxes[boxes.count - 1].start]),
      isConnective(text[before.end..<boxes[boxes.count - 1].start])
    {
      boxes.append(before)
    }
    return boxes.reversed()
  }

  /// The last box in a text, where it is closed.
  private static func box(endingIn text: ArraySlice<UInt8>) -> Box? {
    var rest = text
    var found: (start: Int, length: Int)?
    while found == nil, let start = rest.lastIndex(of: UInt8(ascii: "\\")) {
      for command in commands where text.holds(command, at: start) { found = (start, command.utf8CodeUnitCount) }
      rest = text[..<start]
    }
    guard let found else { return nil }
    var open = found.start + found.length
    while open < text.endIndex, text[open].isSpace { open += 1 }
    guard open < text.endIndex else { return nil }
    if text[open] != UInt8(ascii: "{") {
      // `\boxed 5`
      guard open > found.start + found.length else { return nil }
      let content = text[open...].prefix { !$0.isSpace && !"$\\,.".utf8.contains($0) }
      return content.isEmpty ? nil : Box(content: content, start: found.start, end: content.endIndex)
    }
    var depth = 0
    var position = open + 1
    while position < text.endIndex {
      switch text[position] {
      case UInt8(ascii: "\\"): position += 1
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"):
        if depth == 0 {
          return Box(content: text[(open + 1)..<position].trimmed, start: found.start, end: position + 1)
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
}

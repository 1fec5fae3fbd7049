// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Finds tags such as `<answer>`, also with space inside, as some models write them: `< answer >`, `</ answer>`.
enum Tag {
  /// Which of the two tags of a pair.
  enum Side { case opening, closing }

  /// Where the last such tag of a text stands.
  static func last(_ name: StaticString, _ side: Side, in text: ArraySlice<UInt8>) -> Range<Int>? {
    var position = text.endIndex - 1
    while position >= text.startIndex {
      if text[position] == UInt8(ascii: "<"), let end = end(of: name, side, in: text, at: position) {
        return position..<end
      }
      position -= 1
    }
    return nil
  }

  /// What the last closed pair of tags holds, and where the pair stands.
  static func lastPair(_ name: StaticString, in text: ArraySlice<UInt8>) -> (
    content: ArraySlice<UInt8>, range: Range<Int>
  )? {
    guard let close = last(name, .closing, in: text), let open = last(name, .opening, in: text[..<close.lowerBound])
    else {
      return nil
    }
    return (text[open.upperBound..<close.lowerBound].trimmed, open.lowerBound..<close.upperBound)
  }

  /// The text with its tags and fractions as EasyR1 reads them: without space on either side of `<`, `>` and `/`.
  ///
  /// Source: EasyR1, `re.sub(r"\s*(<|>|/)\s*", r"\1", response)`.
  static func tightened(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      position += 1
      guard "<>/".utf8.contains(byte) else {
        output.append(byte)
        continue
      }
      while let last = output.last, last.isSpace { output.removeLast() }
      output.append(byte)
      position = text.skippingSpace(from: position)
    }
    return output
  }

  private static func end(of name: StaticString, _ side: Side, in text: ArraySlice<UInt8>, at start: Int) -> Int? {
    var position = text.skippingSpace(from: start + 1)
    if side == .closing {
      guard text.holds("/", at: position) else { return nil }
      position = text.skippingSpace(from: position + 1)
    }
    guard text.holds(name, at: position) else { return nil }
    position = text.skippingSpace(from: position + name.utf8CodeUnitCount)
    return text.holds(">", at: position) ? position + 1 : nil
  }
}

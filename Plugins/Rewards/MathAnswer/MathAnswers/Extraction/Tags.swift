// SPDX-License-Identifier: Apache-2.0

/// Finds tags in a text, also with space inside them, as some models write them: `< / answer >`.
package enum Tags {
  /// Where the last opening or closing tag of a name stands.
  package static func last(_ name: StaticString, closes: Bool, in text: ArraySlice<UInt8>) -> Range<Int>? {
    var position = text.endIndex - 1
    while position >= text.startIndex {
      if text[position] == UInt8(ascii: "<"), let end = end(of: name, closes: closes, in: text, from: position + 1) {
        return position..<end
      }
      position -= 1
    }
    return nil
  }

  /// What the last closed pair of tags holds, and where the pair stands.
  package static func lastPair(_ name: StaticString, in text: ArraySlice<UInt8>) -> Boxes.Box? {
    guard let close = last(name, closes: true, in: text),
      let open = last(name, closes: false, in: text[..<close.lowerBound])
    else { return nil }
    let content = text[open.upperBound..<close.lowerBound].trimmed
    return Boxes.Box(content: content, start: open.lowerBound, end: close.upperBound)
  }

  private static func end(
    of name: StaticString, closes: Bool, in text: ArraySlice<UInt8>, from start: Int
  ) -> Int? {
    var position = skippingSpace(text, start)
    if closes {
      guard position < text.endIndex, text[position] == UInt8(ascii: "/") else { return nil }
      position = skippingSpace(text, position + 1)
    }
    guard text.holds(name, at: position) else { return nil }
    position = skippingSpace(text, position + name.utf8CodeUnitCount)
    return position < text.endIndex && text[position] == UInt8(ascii: ">") ? position + 1 : nil
  }

  /// At most a few characters on, so that a text of spaces costs no more than its length.
  private static func skippingSpace(_ text: ArraySlice<UInt8>, _ start: Int) -> Int {
    var position = start
    while position < text.endIndex, position < start + 8, text[position].isSpace { position += 1 }
    return position
  }
}

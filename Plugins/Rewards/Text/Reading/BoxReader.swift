// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Finds boxes in text: four numbers in brackets of any kind, or two pairs of them.
///
/// `[12, 30, 45, 60]`, `(12,30),(45,60)`, `<box>12 30 45 60</box>`, `{"bbox_2d": [12, 30, 45, 60], "label": "dog"}`. Numbers
/// that are not such a four are passed over; those of a list of more than four are no box.
enum BoxReader {
  /// The fours of numbers in a text, in order, in time linear in its length.
  static func fours(in text: ArraySlice<UInt8>) -> [[Double]] {
    var found: [[Double]] = []
    var pair: [Double]?
    var position = text.startIndex
    while position < text.endIndex {
      guard isOpening(text, position), let (numbers, end) = list(text, from: position + 1) else {
        // Between the two pairs of a box stands a comma or space at most.
        if !text[position].isSpace, text[position] != UInt8(ascii: ",") { pair = nil }
        position += 1
        continue
      }
      switch numbers.count {
      case 4:
        found.append(numbers)
        pair = nil
      case 2:
        if let first = pair {
          found.append(first + numbers)
          pair = nil
        } else {
          pair = numbers
        }
      default: pair = nil
      }
      position = end
    }
    return found
  }

  private static func isOpening(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    switch text[position] {
    case UInt8(ascii: "["), UInt8(ascii: "("), UInt8(ascii: "{"): true
    // The end of an opening tag: `<box>`, `<|box_start|>`.
    case UInt8(ascii: ">"): true
    default: false
    }
  }

  private static func isClosing(_ byte: UInt8) -> Bool {
    [UInt8(ascii: "]"), UInt8(ascii: ")"), UInt8(ascii: "}"), UInt8(ascii: "<")].contains(byte)
  }

  /// Numbers with commas or space between them up to a closing bracket, and where that ends; at most five are kept.
  private static func list(_ text: ArraySlice<UInt8>, from start: Int) -> (numbers: [Double], end: Int)? {
    var numbers: [Double] = []
    var position = text.skippingSpace(from: start)
    while true {
      guard let (number, end) = number(text, at: position) else { return nil }
      if numbers.count < 5 { numbers.append(number) }
      position = text.skippingSpace(from: end)
      guard position < text.endIndex else { return nil }
      if isClosing(text[position]) { return (numbers, text[position] == UInt8(ascii: "<") ? position : position + 1) }
      if text[position] == UInt8(ascii: ",") { position = text.skippingSpace(from: position + 1) }
    }
  }

  private static func number(_ text: ArraySlice<UInt8>, at start: Int) -> (Double, end: Int)? {
    var end = start
    while end < text.endIndex, end - start < 32,
      text[end].isDigit
        || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e")].contains(text[end])
    {
      end += 1
    }
    guard end > start, let value = Double(text[start..<end].text), value.isFinite else { return nil }
    return (value, end)
  }
}

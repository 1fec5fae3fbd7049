// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What can be told of JSON values without decoding them.
enum RawText {
  /// How many characters (Unicode scalars) a JSON string has.
  static func characterCount(ofString string: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var position = 1
    let end = string.count - 1
    while position < end {
      let byte = string[position]
      if byte == UInt8(ascii: "\\") {
        if string[position + 1] == UInt8(ascii: "u") {
          // The second half of a pair of surrogates belongs to the first.
          count += isLowSurrogate(string, position) ? 0 : 1
          position += 6
        } else {
          count += 1
          position += 2
        }
      } else {
        count += byte & 0xC0 == 0x80 ? 0 : 1
        position += 1
      }
    }
    return count
  }

  private static func isLowSurrogate(_ string: UnsafeRawBufferPointer, _ position: Int) -> Bool {
    let (first, second) = (string[position + 2] | 0x20, string[position + 3] | 0x20)
    return first == UInt8(ascii: "d") && (UInt8(ascii: "c")...UInt8(ascii: "f")).contains(second)
  }

  /// How many elements an array of numbers has; nil for another value.
  static func elementCount(ofArray array: UnsafeRawBufferPointer) -> Int? {
    guard array.first == UInt8(ascii: "[") else { return nil }
    guard array.dropFirst().first(where: { $0 > 0x20 }) != UInt8(ascii: "]") else { return 0 }
    var count = 1
    for byte in array where byte == UInt8(ascii: ",") { count += 1 }
    return count
  }

  /// Passes the whole numbers of an array.
  static func forEachID(inArray array: UnsafeRawBufferPointer, _ body: (Int) -> Void) {
    var number: Int?
    for byte in array {
      if byte >= 0x30, byte <= 0x39, number ?? 0 < 1 << 40 {
        number = (number ?? 0) * 10 + Int(byte - 0x30)
      } else if let found = number {
        body(found)
        number = nil
      }
    }
  }

  /// The text of a JSON string, cut to a length for a column.
  static func text(_ string: UnsafeRawBufferPointer, atMost limit: Int) -> String? {
    // An escape takes at most six bytes; what is cut off need not be decoded.
    guard string.count > 6 * limit + 2 else {
      return (try? JSONValue(parsing: string))?.stringValue.map { shortened($0, limit) }
    }
    var end = 6 * limit
    while end > 1, string[end] & 0xC0 == 0x80 { end -= 1 }
    var head = Array(string[..<end])
    // Not within an escape.
    for back in stride(from: head.count - 1, through: max(1, head.count - 12), by: -1)
    where head[back] == UInt8(ascii: "\\") {
      head.removeSubrange(back...)
    }
    head.append(UInt8(ascii: "\""))
    return head.withUnsafeBytes { (try? JSONValue(parsing: $0))?.stringValue }.map { shortened($0 + " ", limit) }
  }

  /// A text of at most so many characters, with an ellipsis where something was cut off.
  static func shortened(_ text: String, _ limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    let scalars = text.unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
      end < scalars.endIndex
    else { return text }
    return String(scalars[..<end]) + "…"
  }
}

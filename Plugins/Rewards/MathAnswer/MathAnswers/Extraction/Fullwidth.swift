// SPDX-License-Identifier: Apache-2.0

/// The forms of ASCII that are as wide as a Chinese character: `１２`, `（Ｂ）`, `，`.
enum Fullwidth {
  /// The same text with the plain characters in their place.
  static func plain(_ bytes: [UInt8]) -> [UInt8] {
    // U+FF01 to U+FF5E begin with 0xEF, the ideographic space with 0xE3.
    guard bytes.contains(0xEF) else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      if bytes[position] == 0xEF, position + 2 < bytes.count, bytes[position + 1] == 0xBC || bytes[position + 1] == 0xBD
      {
        let value = (Int(bytes[position + 1]) - 0xBC) * 0x40 + Int(bytes[position + 2] & 0x3F)
        // U+FF00 + value is ASCII 0x20 + value.
        if (1...0x5E).contains(value) {
          result.append(UInt8(0x20 + value))
          position += 3
          continue
        }
      }
      result.append(bytes[position])
      position += 1
    }
    return result
  }
}

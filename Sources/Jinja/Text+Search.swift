// SPDX-License-Identifier: Apache-2.0

/// Finding parts of a string, in time that is linear in both lengths.
extension Text {
  /// Parts up to this length are compared at each position.
  private static let shortPart = 16

  /// The position of a part at or after a byte.
  func firstRange(of part: Text, from start: Int = 0) -> Int? {
    let length = part.bytes.count
    guard length > 0 else { return start <= bytes.count ? start : nil }
    guard length <= bytes.count - start else { return nil }
    return bytes.withUnsafeBufferPointer { text in
      part.bytes.withUnsafeBufferPointer { part in
        length > Self.shortPart
          ? Self.found(part, in: text, from: start) : Self.foundShort(part, in: text, from: start)
      }
    }
  }

  /// The last position of a part that ends at or before a byte.
  func lastRange(of part: Text, upTo end: Int) -> Int? {
    let length = part.bytes.count
    guard length <= end else { return nil }
    guard length > Self.shortPart else {
      return stride(from: end - length, through: 0, by: -1).first { start in
        bytes[start..<start + length].elementsEqual(part.bytes)
      }
    }
    let mirrored = Text(bytes[..<end].reversed() as [UInt8])
    return mirrored.firstRange(of: Text(part.bytes.reversed() as [UInt8])).map { end - $0 - length }
  }

  private static func foundShort(
    _ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    let first = part[0]
    var index = start
    while index <= text.count - part.count {
      if text[index] == first {
        var offset = 1
        while offset < part.count, text[index + offset] == part[offset] { offset += 1 }
        if offset == part.count { return index }
      }
      index += 1
    }
    return nil
  }

  /// The algorithm of Knuth, Morris and Pratt: a text made to be searched slowly costs no more than others.
  private static func found(
    _ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    var borders = [Int](repeating: 0, count: part.count)
    var border = 0
    for index in part.indices.dropFirst() {
      while border > 0, part[index] != part[border] { border = borders[border - 1] }
      if part[index] == part[border] { border += 1 }
      borders[index] = border
    }
    var matched = 0
    for index in start..<text.count {
      while matched > 0, text[index] != part[matched] { matched = borders[matched - 1] }
      if text[index] == part[matched] { matched += 1 }
      if matched == part.count { return index - matched + 1 }
    }
    return nil
  }
}

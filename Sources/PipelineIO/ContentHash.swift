// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A 128-bit hash of values, to tell whether two are the same within one process; for hashes that are kept see ``StableHash``.
///
/// Two lanes of multiplication and folding over words of eight bytes, as in wyhash.
package struct ContentHash: Hashable {
  private var low: UInt64 = 0x9e37_79b9_7f4a_7c15
  private var high: UInt64 = 0xd1b5_4a32_d192_ed03

  /// Adds a value: equal values have equal texts, and hash alike.
  mutating func add(_ cell: Cell?) {
    guard let cell else { return add(0) }
    if let text = cell.text { return add(5, text) }
    var bytes: [UInt8] = []
    cell.write(to: &bytes)
    bytes.withUnsafeBytes { add(5, $0) }
  }

  /// Adds a text.
  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(9, UnsafeRawBufferPointer($0)) }
  }

  /// The hash of a text.
  static func of(_ text: String) -> UInt64 {
    var hash = ContentHash()
    hash.add(text)
    return hash.folded
  }

  /// The hash of bytes.
  package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = ContentHash()
    hash.add(9, bytes)
    return hash.folded
  }

  /// All of it in 64 bits.
  var folded: UInt64 { Self.folded(low ^ 0x2d35_8dcc_aa6c_78a5, high) }

  /// Adds another hash.
  mutating func add(_ other: ContentHash) {
    add(other.low)
    add(other.high)
  }

  private mutating func add(_ kind: UInt64, _ bytes: UnsafeRawBufferPointer) {
    add(kind | UInt64(bytes.count) << 8)
    var position = 0
    while position + 16 <= bytes.count {
      add(
        bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self))
      position += 16
    }
    if position + 8 <= bytes.count {
      add(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      position += 8
    }
    var rest: UInt64 = 0
    while position < bytes.count {
      rest = rest << 8 | UInt64(bytes[position])
      position += 1
    }
    add(rest)
  }

  /// Adds a number.
  mutating func add(_ word: UInt64) {
    low = Self.folded(low ^ word, 0xe703_7ed1_a0b4_28db)
    high = Self.folded(high &+ word, 0x8ebc_6af0_9c88_c6e3) ^ low
  }

  /// Adds two words at once: the products of the lanes take most of the time.
  private mutating func add(_ first: UInt64, _ second: UInt64) {
    low = Self.folded(low ^ first, 0xe703_7ed1_a0b4_28db ^ second)
    high = Self.folded(high &+ second, 0x8ebc_6af0_9c88_c6e3 ^ first) ^ low
  }

  private static func folded(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A 128-bit hash that is the same in every process: two FNV-1a with different bases.
package struct StableHash {
  package private(set) var low: UInt64 = 0xcbf2_9ce4_8422_2325
  package private(set) var high: UInt64 = 0x6c62_272e_07bb_0142

  /// Of nothing.
  package init() {}

  /// Adds a text, with its end.
  package mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0xFF)
  }

  /// Adds bytes.
  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { add(byte) }
  }

  private mutating func add(_ byte: UInt8) {
    low = (low ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    high = (high ^ UInt64(byte)) &* 0x9e37_79b9_7f4a_7c15
    high ^= high >> 29
  }

  /// 32 hexadecimal digits.
  package var digits: String {
    [high, low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

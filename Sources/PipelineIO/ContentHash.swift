// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A 128-bit hash of values, to tell whether two are the same within one process; for hashes that are kept see ``StableHash``.
///
/// Two lanes of multiplication and folding over words of eight bytes, as in wyhash.
struct ContentHash: Hashable {
  private var low: UInt64 = 0x9e37_79b9_7f4a_7c15
  private var high: UInt64 = 0xd1b5_4a32_d192_ed03

  /// Adds a value: what is written alike hashes alike, and an escape in a string is the character that it stands for.
  mutating func add(_ value: JSONValue?) {
    switch value {
    case nil: add(0)
    case .null?: add(1)
    case .bool(let flag)?: add(flag ? 2 : 3)
    case .number(let text)?: add(4, text)
    case .string(let text)?: add(5, text)
    case .array(let elements)?:
      add(6 | UInt64(elements.count) << 8)
      for element in elements { add(element) }
    case .object(let members)?:
      add(7 | UInt64(members.count) << 8)
      for member in members {
        add(8, member.key)
        add(member.value)
      }
    }
  }

  /// Adds a text.
  mutating func add(_ text: String) { add(9, text) }

  /// Adds another hash.
  mutating func add(_ other: ContentHash) {
    add(other.low)
    add(other.high)
  }

  private mutating func add(_ kind: UInt64, _ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      let bytes = UnsafeRawBufferPointer(utf8)
      add(kind | UInt64(bytes.count) << 8)
      var position = 0
      while position + 8 <= bytes.count {
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
  }

  private mutating func add(_ word: UInt64) {
    low = Self.folded(low ^ word, 0xe703_7ed1_a0b4_28db)
    high = Self.folded(high &+ word, 0x8ebc_6af0_9c88_c6e3) ^ low
  }

  private static func folded(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}

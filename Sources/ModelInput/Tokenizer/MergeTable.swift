// SPDX-License-Identifier: Apache-2.0

/// The merges of a byte-pair encoding: the token that two neighbouring tokens become, and its rank.
///
/// An open-addressing hash table over pairs of ids, at most half full; immutable.
final class MergeTable: @unchecked Sendable {
  /// A merge; a lower rank goes first.
  struct Merge {
    let left: Int32
    let right: Int32
    let result: Int32
  }

  /// The result of merging a pair.
  struct Entry {
    var key: UInt64
    var rank: Int32
    var result: Int32
  }

  /// The rank of pairs that do not merge.
  static let never = Int32.max

  private static let emptyKey = UInt64.max
  private let entries: UnsafeMutableBufferPointer<Entry>
  private let shift: UInt64
  private let mask: Int

  /// Stores merges, whose positions are their ranks.
  ///
  /// - Returns: In `duplicate`, the position of the first pair that occurred before.
  init(_ merges: [Merge], duplicate: inout Int?) {
    var bits = 4
    while 1 << bits < merges.count * 2 { bits += 1 }
    shift = UInt64(64 - bits)
    mask = 1 << bits - 1
    entries = .allocate(capacity: 1 << bits)
    entries.initialize(repeating: Entry(key: Self.emptyKey, rank: Self.never, result: -1))
    for (rank, merge) in merges.enumerated() {
      let key = Self.key(merge.left, merge.right)
      var slot = slot(of: key)
      while entries[slot].key != Self.emptyKey, entries[slot].key != key { slot = (slot + 1) & mask }
      if entries[slot].key == key {
        duplicate = duplicate ?? rank
        continue
      }
      entries[slot] = Entry(key: key, rank: Int32(rank), result: merge.result)
    }
  }

  deinit { entries.deallocate() }

  /// The result of merging two neighbours; its rank is ``never`` if they do not merge.
  @inline(__always)
  func entry(_ left: Int32, _ right: Int32) -> Entry {
    let key = Self.key(left, right)
    let entries = entries.baseAddress.unsafelyUnwrapped
    var slot = slot(of: key)
    while true {
      let entry = entries[slot]
      if entry.key == key || entry.key == Self.emptyKey { return entry }
      slot = (slot + 1) & mask
    }
  }

  @inline(__always)
  private func slot(of key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift) }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Numbers hashes from 0 in the order in which they come, at 12 to 16 bytes each: for tables of millions of names.
///
/// Only hashes are compared: among ten million different names, two share their 64 bits once in 400,000 such tables. A
/// `Dictionary` by name takes some ten times the memory.
package struct HashIndex: Sendable {
  private var hashes: [UInt64] = []
  /// Positions in `hashes`, from 1; 0 for an empty place.
  ///
  /// Open addressing, at most three quarters full.
  private var places = [UInt32](repeating: 0, count: 16)

  /// An empty table.
  package init() {}

  /// How many hashes there are.
  package var count: Int { hashes.count }

  /// The number of a hash, and whether it is a new one.
  package mutating func insert(_ hash: UInt64) -> (number: Int, isNew: Bool) {
    if hashes.count * 4 >= places.count * 3 { grow() }
    var place = Self.start(hash, places.count)
    while places[place] != 0 {
      let number = Int(places[place]) - 1
      if hashes[number] == hash { return (number, false) }
      place = (place + 1) & (places.count - 1)
    }
    hashes.append(hash)
    places[place] = UInt32(hashes.count)
    return (hashes.count - 1, true)
  }

  /// Forgets all.
  package mutating func removeAll() { self = HashIndex() }

  private mutating func grow() {
    places = [UInt32](repeating: 0, count: places.count * 2)
    for (number, hash) in hashes.enumerated() {
      var place = Self.start(hash, places.count)
      while places[place] != 0 { place = (place + 1) & (places.count - 1) }
      places[place] = UInt32(number + 1)
    }
  }

  /// Where the search for a hash begins; `count` is a power of two.
  private static func start(_ hash: UInt64, _ count: Int) -> Int {
    Int(truncatingIfNeeded: (hash &* 0x9e37_79b9_7f4a_7c15) >> 32) & (count - 1)
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Finds ids that stand twice in a batch.
///
/// Open addressing, at most half full. A slot has 32 bits of the id's hash beside its position, so that a search touches no id
/// but one that is very likely the same; those are compared in full.
struct IDTable {
  /// The hash's low 32 bits above the position + 1; 0 for an empty slot.
  private var slots = [UInt64](repeating: 0, count: 1024)
  private var count = 0

  /// Notes that trajectory `position` has `id`; returns the position of an earlier one with the same id.
  ///
  /// - Parameter ids: The id at an earlier position.
  mutating func insert(_ id: String, at position: Int, ids: (Int) -> String) -> Int? {
    if count * 2 >= slots.count { grow() }
    let hash = ContentHash.of(id) & 0xFFFF_FFFF
    let mask = slots.count - 1
    var place = Int(hash) & mask
    while slots[place] != 0 {
      if slots[place] >> 32 == hash {
        let other = Int(slots[place] & 0xFFFF_FFFF) - 1
        if ExactText(ids(other)) == ExactText(id) { return other }
      }
      place = (place + 1) & mask
    }
    slots[place] = hash << 32 | UInt64(position + 1)
    count += 1
    return nil
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 4)
    let mask = slots.count - 1
    for slot in old where slot != 0 {
      var place = Int(slot >> 32) & mask
      while slots[place] != 0 { place = (place + 1) & mask }
      slots[place] = slot
    }
  }
}

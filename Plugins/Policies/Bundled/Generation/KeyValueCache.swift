// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Keys and values of continuations, for every layer: a slot for each, all of the same capacity.
struct KeyValueCache {
  private(set) var layers: [Matrix<Float>]
  /// The capacity of a slot in tokens.
  private(set) var capacity: Int
  private let slots: Int
  private let limit: Int
  private let pool: MemoryPool

  init(layers: Int, slots: Int, width: Int, limit: Int, pool: MemoryPool) {
    self.slots = slots
    self.limit = limit
    self.pool = pool
    let capacity = Self.firstCapacity(limit: limit)
    self.capacity = capacity
    self.layers = (0..<layers).map { _ in Matrix(rows: slots * capacity, columns: width, pool: pool) }
  }

  private static func firstCapacity(limit: Int) -> Int { max(1, min(limit, 32)) }

  private static func capacity(after capacity: Int, limit: Int) -> Int { min(limit, capacity * 2) }

  /// The capacity of a slot for the longest response, and the one before it, or 0 where there is none.
  static func lastCapacities(limit: Int) -> (last: Int, former: Int) {
    var (last, former) = (firstCapacity(limit: limit), 0)
    while last < limit { (last, former) = (capacity(after: last, limit: limit), last) }
    return (last, former)
  }

  /// Allocates this many tokens in each slot.
  mutating func reserve(_ count: Int) {
    guard count > capacity else { return }
    let larger = max(count, Self.capacity(after: capacity, limit: limit))
    layers = layers.map { old in
      let new = Matrix<Float>(rows: slots * larger, columns: old.columns, pool: pool)
      for slot in 0..<slots {
        (new.pointer + slot * larger * old.columns)
          .update(from: old.pointer + slot * capacity * old.columns, count: capacity * old.columns)
      }
      return new
    }
    capacity = larger
    // The smaller caches.
    pool.trim()
  }
}

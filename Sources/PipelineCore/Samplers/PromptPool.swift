// SPDX-License-Identifier: Apache-2.0

/// All prompts of a run, by their place in the source's files.
public struct PromptPool: Sendable {
  /// The order in which the source would hand them out.
  public let order: PoolOrder
  private let ids: [String]
  private let keys: [UInt64]
  private let numbers: [Field: [Double]]

  /// A pool.
  ///
  /// - Parameters:
  ///   - ids: The prompts' ids, which are the names of their groups; all different.
  ///   - numbers: The values of fields that a sampler reads, one for each prompt.
  ///   - isShuffled: Whether the source has a random order in each epoch.
  public init(ids: [String], numbers: [Field: [Double]] = [:], isShuffled: Bool = true, seed: UInt64 = 1) {
    precondition(numbers.values.allSatisfy { $0.count == ids.count }, "a number for each prompt")
    self.ids = ids
    self.numbers = numbers
    keys = ids.map(PhiloxGenerator.hash)
    order = PoolOrder(count: ids.count, isShuffled: isShuffled, seed: seed)
  }

  /// The number of prompts.
  public var count: Int { ids.count }

  /// The id of the prompt at an index.
  public func id(_ index: Int) -> String { ids[index] }

  /// The prompt's id as a coordinate of random draws, independent of its place.
  public func key(_ index: Int) -> UInt64 { keys[index] }

  /// The value of a field that the sampler reads.
  public func number(_ field: Field, _ index: Int) -> Double? { numbers[field]?[index] }

  /// A number that is another for other prompts, another order, or other values of the fields that are read.
  public var fingerprint: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ word: UInt64) {
      for shift in stride(from: 0, to: 64, by: 8) {
        hash = (hash ^ (word >> UInt64(shift) & 0xFF)) &* 0x100_0000_01b3
      }
    }
    add(UInt64(count))
    keys.forEach(add)
    for (field, values) in numbers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      add(PhiloxGenerator.hash(field.rawValue))
      for value in values { add(value.bitPattern) }
    }
    return hash
  }
}

/// The order in which a source hands out its groups, epoch after epoch.
public struct PoolOrder: Sendable, Hashable {
  /// The number of groups.
  public let count: Int
  private let isShuffled: Bool
  private let seed: UInt64

  /// An order.
  ///
  /// - Parameter isShuffled: Whether each epoch has a random order of its own; otherwise that of the files.
  public init(count: Int, isShuffled: Bool, seed: UInt64) {
    (self.count, self.isShuffled, self.seed) = (count, isShuffled, seed)
  }

  /// The order of an epoch: a permutation by Fisher and Yates, from the run's seed and the epoch's number alone.
  public func indices(epoch: Int) -> [Int] {
    var order = Array(0..<count)
    guard isShuffled, count > 1 else { return order }
    var random = PhiloxGenerator(seed: seed, purpose: "source", position: (UInt64(epoch), 0, 0))
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(random.next().multipliedFullWidth(by: UInt64(last + 1)).high))
    }
    return order
  }
}

/// Goes through a pool in the source's order, and remembers the place: for samplers that choose among what comes next.
///
/// It has no end: after the last prompt of an epoch comes the first of the next.
public struct PoolWalk: Sendable {
  /// The epoch of the next prompt, from 0.
  public private(set) var epoch: Int
  /// The place of the next prompt in the epoch's order.
  public private(set) var position: Int
  private let order: PoolOrder
  private var indices: [Int]

  private static let names = (epoch: "epoch", position: "position")

  /// Goes on where the memory says.
  public init(_ pool: PromptPool, memory: SamplerMemory) {
    order = pool.order
    epoch = Int(memory.number(Self.names.epoch) ?? 0)
    position = Int(memory.number(Self.names.position) ?? 0)
    indices = order.indices(epoch: epoch)
  }

  /// How many prompts are left of the epoch.
  public var left: Int { indices.count - position }

  /// The next prompt's index; nil for an empty pool.
  public mutating func next() -> Int? {
    if indices.isEmpty { return nil }
    if position >= indices.count { beginEpoch() }
    defer { position += 1 }
    return indices[position]
  }

  /// Leaves out what is left of the epoch.
  public mutating func beginEpoch() {
    epoch += 1
    position = 0
    indices = order.indices(epoch: epoch)
  }

  /// Up to `count` prompts that are different, and none of those excluded.
  public mutating func next(_ count: Int, excluding excluded: Set<Int>) -> [Int] {
    var seen = excluded
    var found: [Int] = []
    // Twice through the pool at most: what is met again was taken or excluded.
    for _ in 0..<2 * indices.count {
      if found.count == count { break }
      guard let index = next() else { break }
      if seen.insert(index).inserted { found.append(index) }
    }
    return found
  }

  /// Remembers the place.
  public func save(to memory: inout SamplerMemory) {
    memory.set(Self.names.epoch, Double(epoch))
    memory.set(Self.names.position, Double(position))
  }
}

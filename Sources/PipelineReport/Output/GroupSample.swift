// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Whole groups chosen at random until they have a number of rollouts, the same ones each time.
///
/// Each group has a hash of its name, step and source; those with the least hashes are chosen. Memory is bounded by the number
/// of rollouts that are wanted.
struct GroupSample {
  private let wanted: Int
  private var counts: [UInt64: Int] = [:]
  /// The hashes in `counts`, as a heap whose greatest comes first.
  private var heap: [UInt64] = []
  private var limit = UInt64.max
  private(set) var chosenCount = 0
  /// All rollouts, the chosen ones among them.
  private(set) var seenCount = 0

  init(of wanted: Int) { self.wanted = wanted }

  /// Looks at a rollout.
  mutating func add(_ trajectory: Trajectory, source: Int) {
    seenCount += 1
    let hash = Self.hash(trajectory, source)
    guard hash <= limit else { return }
    if counts[hash, default: 0] == 0 { push(hash) }
    counts[hash, default: 0] += 1
    chosenCount += 1
    while let greatest = heap.first, let count = counts[greatest], chosenCount - count >= wanted {
      counts[greatest] = nil
      chosenCount -= count
      limit = greatest - 1
      popGreatest()
    }
  }

  /// Whether the group of a rollout is chosen.
  func contains(_ trajectory: Trajectory, source: Int) -> Bool { counts[Self.hash(trajectory, source)] != nil }

  private static func hash(_ trajectory: Trajectory, _ source: Int) -> UInt64 {
    var random = PhiloxGenerator(
      seed: PhiloxGenerator.hash(trajectory.group), purpose: "report",
      position: (UInt64(bitPattern: Int64(trajectory.step ?? -1)), UInt64(source), 0))
    return max(1, random.next())
  }

  private mutating func push(_ hash: UInt64) {
    heap.append(hash)
    var child = heap.count - 1
    while child > 0, heap[(child - 1) / 2] < heap[child] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func popGreatest() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var greatest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] > heap[greatest] {
        greatest = child
      }
      if greatest == parent { return }
      heap.swapAt(parent, greatest)
      parent = greatest
    }
  }
}

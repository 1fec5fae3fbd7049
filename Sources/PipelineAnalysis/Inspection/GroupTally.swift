// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Figures about a file's groups: sizes, equal rewards, and repeated responses.
package struct GroupTally: Sendable {
  /// How many groups have each size.
  package private(set) var sizes = ValueTally()
  /// Groups with two rewards or more.
  private(set) var comparable = 0
  /// The reward that all rollouts of a group share, for each such group of two rewards or more.
  private(set) var sharedRewards = ValueTally()
  /// Groups in which at least one response occurs twice.
  private(set) var withDuplicates = 0
  /// Responses that are equal to another one of their group.
  private(set) var duplicates = 0

  /// Adds whole groups: a batch never ends within one.
  mutating func add(_ batch: TrajectoryBatch, responseHashes: [UInt64?]) {
    for group in batch.groups {
      sizes.add(Double(group.positions.count))
      addRewards(group.positions.compactMap { batch[$0].reward })
      var seen: Set<UInt64> = []
      let repeated = group.positions.count { position in
        responseHashes[position].map { !seen.insert($0).inserted } ?? false
      }
      duplicates += repeated
      withDuplicates += repeated > 0 ? 1 : 0
    }
  }

  private mutating func addRewards(_ rewards: [Double]) {
    guard rewards.count > 1 else { return }
    comparable += 1
    if rewards.allSatisfy({ $0 == rewards[0] }) { sharedRewards.add(rewards[0]) }
  }

  /// Zero-variance groups that are all right, given the reward from which a rollout counts as right.
  func allRight(from threshold: Double) -> Int {
    sharedRewards.sortedCells.reduce(0) { $0 + ($1.value >= threshold ? $1.count : 0) }
  }
}

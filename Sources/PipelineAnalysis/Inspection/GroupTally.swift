// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a file's groups are like: their sizes, whose rewards are all equal, and who repeats whom.
package struct GroupTally: Sendable {
  /// How many groups have each size.
  package private(set) var sizes = ValueTally()
  /// Groups with two rewards or more.
  private(set) var comparable = 0
  /// The reward that all rollouts of a group share, for each such group of two rewards or more.
  private(set) var sharedRewards = ValueTally()
  /// Groups with at least one response that stands in them twice.
  private(set) var withDuplicates = 0
  /// Responses that repeat another one of their group to the letter.
  private(set) var duplicates = 0

  /// Takes in whole groups: a batch never ends inside one.
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

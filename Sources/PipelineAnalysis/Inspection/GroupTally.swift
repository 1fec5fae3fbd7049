// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

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

  /// A group of the batch that is being read.
  private struct OpenGroup {
    var rollouts: Int32 = 0
    var rewards: Int32 = 0
    var duplicates: Int32 = 0
    var areEqual = true
    var firstReward = 0.0
  }

  private var names = HashIndex()
  private var open: [OpenGroup] = []
  /// The responses of each group of the batch.
  private var responses = HashIndex()

  /// Adds a rollout of a batch; it counts once the batch has ended.
  mutating func add(_ trajectory: Trajectory, responseHash: UInt64?) {
    let found = names.insert(PhiloxGenerator.hash(trajectory.group))
    if found.isNew { open.append(OpenGroup()) }
    open[found.number].rollouts += 1
    if let reward = trajectory.reward {
      if open[found.number].rewards == 0 { open[found.number].firstReward = reward }
      open[found.number].areEqual = open[found.number].areEqual && reward == open[found.number].firstReward
      open[found.number].rewards += 1
    }
    if let responseHash {
      let number = UInt64(truncatingIfNeeded: found.number) &* 0xd1b5_4a32_d192_ed03
      if !responses.insert(responseHash ^ number).isNew { open[found.number].duplicates += 1 }
    }
  }

  /// Counts the groups of a batch, none of which goes on in the next.
  mutating func endBatch() {
    for group in open {
      sizes.add(Double(group.rollouts))
      if group.rewards > 1 {
        comparable += 1
        if group.areEqual { sharedRewards.add(group.firstReward) }
      }
      duplicates += Int(group.duplicates)
      withDuplicates += group.duplicates > 0 ? 1 : 0
    }
    names.removeAll()
    open.removeAll()
    responses.removeAll()
  }

  /// Zero-variance groups that are all right, given the reward from which a rollout counts as right.
  func allRight(from threshold: Double) -> Int {
    sharedRewards.sortedCells.reduce(0) { $0 + ($1.value >= threshold ? $1.count : 0) }
  }
}

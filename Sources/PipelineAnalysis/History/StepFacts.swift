// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a trajectory was compared with and drawn against in one step.
struct StepFacts: Sendable {
  /// A rollout of the same group.
  struct Member: Sendable {
    let id: String
    let reward: Double?
    let advantage: Double?
    let rank: Int?
  }

  private(set) var members: [Member] = []
  /// The pairs, or single trajectories where unpaired, that the shuffle drew from.
  private(set) var unitCount = 0
  /// ΣW over them.
  private(set) var unitWeight = 0.0
  private var units: Set<UInt64> = []

  /// Takes in a line of the step.
  ///
  /// - Parameter reachedShuffle: Whether the trajectory was there when the shuffle drew.
  mutating func add(_ entry: LineageEntry, group: String, reachedShuffle: Bool) {
    if ExactText(entry.group) == ExactText(group) {
      members.append(
        Member(id: entry.id, reward: entry.reward, advantage: entry.advantage, rank: entry.pair?.rank))
    }
    guard reachedShuffle, entry.advantage != nil else { return }
    if let pair = entry.pair {
      guard units.insert(PhiloxGenerator.hash(entry.group + "\n" + String(pair.rank))).inserted else {
        return
      }
      unitWeight += pair.weight
    } else {
      unitWeight += abs(entry.advantage ?? 0)
    }
    unitCount += 1
  }

  /// The rewards of the group.
  package var rewards: ValueTally {
    var tally = ValueTally()
    for reward in members.compactMap(\.reward) { tally.add(reward) }
    return tally
  }

  /// The place of a reward in the group, from 1, and how many others share it.
  func place(of reward: Double) -> (rank: Int, tiedWith: Int) {
    let rewards = members.compactMap(\.reward)
    return (1 + rewards.count { $0 > reward }, max(0, rewards.count { $0 == reward } - 1))
  }

  /// How many pairs of the group were kept.
  var pairCount: Int { Set(members.compactMap(\.rank)).count }
}

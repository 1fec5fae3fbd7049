// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime

/// The trajectories that one was compared with in one step, and the place of the step in the lineage.
struct StepFacts: Sendable {
  /// The rollouts of the same group, in the order of the input.
  private(set) var members: [LineageEntry] = []
  /// The part of the lineage with the step.
  private(set) var part: Range<UInt64>?

  /// Adds a line of the step.
  mutating func add(_ entry: LineageEntry, at line: LineFile.Line, group: String) {
    part = (part?.lowerBound ?? line.start)..<line.end
    // A prompt that came again while its group waited is none of the group's rollouts.
    if case .dropped(_, RunReference.waveOngoing.name) = entry.outcome { return }
    if ExactText(entry.group) == ExactText(group) { members.append(entry) }
  }

  /// The rewards of the group.
  var rewards: ValueTally {
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
  var pairCount: Int { Set(members.compactMap(\.pair?.rank)).count }
}

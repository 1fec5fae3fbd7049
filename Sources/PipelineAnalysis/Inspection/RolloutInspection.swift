// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineIO
package import PipelineRuntime
import Synchronization

/// The contents of a file of saved rollouts: groups, rewards, advantages, lengths, repetitions, and missing fields.
///
/// It stores no texts, only counts and distributions, which are exact up to 4,096 different values. Memory grows with the
/// rollouts of one batch, by some 60 bytes each, and with the number of steps.
///
/// A group has *zero variance* if it has two or more rewards and all are equal. It is *all right* if that reward is at
/// least ``rightThreshold``, otherwise all wrong.
package struct RolloutInspection: Sendable {
  /// The reader's counts, once the file has been read to its end.
  package var counts = TrajectoryReader.Counts()

  let files: [String]
  package let stages: [NamedStage]
  package var records = 0
  package var badRecords = BadRecordTally()
  package var groups = GroupTally()
  package var steps = StepTally()
  package var rewards = ValueTally()
  package var rewardStatuses = NameTally()
  package var partNames = NameTally()
  /// The scores of each part, in the order of ``partNames``.
  package var parts: [ValueTally] = []
  package var advantages = ValueTally()
  package var collapsed = 0
  package var lengths = LengthTally()
  package var finishes = NameTally(limit: 24)
  package var fields = NameTally()
  package var withImages = 0

  /// Nothing has been inspected yet.
  ///
  /// - Parameters:
  ///   - files: The names to show.
  ///   - stages: The stages whose requirements are checked.
  package init(files: [String], stages: [NamedStage] = []) {
    self.files = files
    self.stages = stages
  }

  /// Reads files to their end; bad records are counted without limit.
  ///
  /// - Throws: When the input cannot be read, or a group reappears after its batch has ended.
  package static func read(_ options: TrajectoryReader.Options, stages: [NamedStage] = []) async throws -> Self {
    try await read(options, stages: stages, where: nil, showing: 0).0
  }

  /// Reads files to their end, and takes those rollouts that meet a condition.
  ///
  /// - Parameters:
  ///   - filter: The condition; nil for all.
  ///   - count: How many rollouts to show.
  /// - Returns: What the rollouts that were taken are like, and the first ones of them.
  /// - Throws: When the input cannot be read, or a group reappears after its batch has ended.
  package static func read(
    _ options: TrajectoryReader.Options, stages: [NamedStage], where filter: RolloutFilter?, showing count: Int
  ) async throws -> (Self, [RolloutGlance]) {
    var options = options
    options.maxBadRecords = nil
    let log = BadLog()
    let reader = TrajectoryReader(options) { log.add($0) }
    var inspection = RolloutInspection(files: options.paths, stages: stages)
    var shown: [RolloutGlance] = []
    while let piece = try await reader.nextPiece() {
      let taken = try filter.map { filter in try piece.trajectories.filter { try filter.matches($0) } }
      let trajectories = taken ?? piece.trajectories
      for trajectory in trajectories.prefix(count - shown.count) { shown.append(try RolloutGlance(trajectory)) }
      try inspection.add(trajectories, batch: piece.number)
      if piece.endsBatch { inspection.groups.endBatch() }
    }
    inspection.badRecords = log.tally
    inspection.counts = await reader.counts
    return (inspection, shown)
  }

  /// Adds trajectories of a batch.
  ///
  /// - Throws: When a record can no longer be read.
  private mutating func add(_ trajectories: [Trajectory], batch: Int) throws {
    for trajectory in trajectories {
      let scan = try RecordScan(trajectory)
      add(trajectory, scan, batch: batch)
      groups.add(trajectory, responseHash: scan.responseHash)
    }
  }

  /// The reward from which a rollout counts as right: 0.5, or the middle of the range if rewards lie outside 0 to 1.
  package var rightThreshold: Double {
    guard rewards.count > 0, rewards.least < 0 || rewards.greatest > 1 else { return 0.5 }
    return rewards.least + (rewards.greatest - rewards.least) / 2
  }

  /// The fields that are missing for each of the given stages; ready if none is.
  var readiness: [(stage: String, missing: [Field])] {
    stages.map { named in
      let missing = named.stage.reads.filter { count(of: $0) < records }
      return (named.name, missing.sorted { $0.rawValue < $1.rawValue })
    }
  }

  /// How many records carry a field; `group` may be derived from other fields, so every record has it.
  package func count(of field: Field) -> Int { field == .group ? records : fields.count(of: field.rawValue) }

  private mutating func add(_ trajectory: Trajectory, _ scan: RecordScan, batch: Int) {
    records += 1
    steps.add(trajectory, batch: batch)
    for key in scan.keys { fields.add(key) }
    if let reward = trajectory.reward { rewards.add(reward) }
    if let status = trajectory.rewardStatus { rewardStatuses.add(status.rawValue) }
    for part in trajectory.rewards ?? [] where part.score.isFinite {
      guard let position = partNames.add(part.name) else { continue }
      if position == parts.count { parts.append(ValueTally()) }
      parts[position].add(part.score)
    }
    if let advantage = trajectory.advantage {
      advantages.add(advantage)
      collapsed += abs(advantage) < 0.1 ? 1 : 0
    }
    lengths.add(tokens: scan.tokenCount, characters: scan.responseCharacters)
    if let finish = scan.finish { finishes.add(finish) }
    withImages += scan.hasImages ? 1 : 0
  }
}

/// Collects bad records from the reader.
private final class BadLog: Sendable {
  private let state = Mutex(BadRecordTally())

  package func add(_ record: BadRecord) { state.withLock { $0.add(record) } }

  var tally: BadRecordTally { state.withLock { $0 } }
}

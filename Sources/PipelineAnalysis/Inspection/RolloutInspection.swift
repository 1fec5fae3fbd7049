// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineIO
package import PipelineRuntime
import Synchronization

/// The contents of a file of saved rollouts: groups, rewards, advantages, lengths, repetitions, and missing fields.
///
/// It is filled batch by batch and stores no texts, only counts and distributions, which are exact up to 4,096
/// different values. Memory is bounded by the groups of one batch and the number of steps.
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
  package var parts: [String: ValueTally] = [:]
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
    while var batch = try await reader.next() {
      if let filter {
        batch = TrajectoryBatch(try batch.trajectories.filter { try filter.matches($0) }, number: batch.number)
      }
      for trajectory in batch.trajectories.prefix(count - shown.count) { shown.append(try RolloutGlance(trajectory)) }
      try inspection.add(batch)
    }
    inspection.badRecords = log.tally
    inspection.counts = await reader.counts
    return (inspection, shown)
  }

  /// Adds a batch as it was read.
  ///
  /// - Throws: When a record can no longer be read.
  package mutating func add(_ batch: TrajectoryBatch) throws {
    var hashes: [UInt64?] = []
    hashes.reserveCapacity(batch.count)
    for trajectory in batch.trajectories {
      let scan = try RecordScan(trajectory)
      hashes.append(scan.responseHash)
      add(trajectory, scan, batch: batch.number)
    }
    groups.add(batch, responseHashes: hashes)
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
      partNames.add(part.name)
      if partNames.count(of: part.name) > 0 { parts[part.name, default: ValueTally()].add(part.score) }
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

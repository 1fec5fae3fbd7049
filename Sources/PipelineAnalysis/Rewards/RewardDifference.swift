// SPDX-License-Identifier: Apache-2.0
package import PipelineCore
package import PipelineIO

/// A reward function with its name in a report, or the rewards that the records carry.
package struct RewardSide: Sendable {
  /// The name in the report.
  package let label: String
  /// The function; nil for the saved rewards.
  package let reward: (any RewardFunction)?

  /// Names a side.
  package init(label: String, reward: (any RewardFunction)?) {
    self.label = label
    self.reward = reward
  }

  func verdicts(on batch: TrajectoryBatch, in context: StageContext) async throws -> [RewardVerdict] {
    if let reward { return try await reward.verdicts(on: batch.trajectories, in: context) }
    return batch.trajectories.map { trajectory in
      trajectory.reward.map { .scored($0) }
        ?? .unscored(trajectory.rewardStatus ?? .abstained, reason: "the record carries no reward")
    }
  }
}

/// What another reward function would give for saved trajectories: which verdicts change, and what that does to their
/// groups.
package struct RewardDifference: Sendable {
  /// A trajectory on which the two differ.
  package struct Flip: Sendable {
    /// The trajectory.
    package let trajectory: Trajectory
    /// The verdict of each.
    package let verdicts: [RewardVerdict]
    /// The advantage under each; nil if there is none.
    package let advantages: [Double?]
  }

  /// The results of one side.
  package struct Tally: Sendable {
    /// How many trajectories have each status.
    package internal(set) var statuses: [RewardStatus: Int] = [:]
    /// The sum of the scores.
    package internal(set) var sum = 0.0
    /// The sum of |A|.
    package internal(set) var mass = 0.0
    /// How many trajectories have an advantage.
    package internal(set) var advantages = 0
    /// How many groups have advantages that are not all zero.
    package internal(set) var contrasted = 0
  }

  /// The two, in the order given.
  package let sides: [RewardSide]
  /// The results of each.
  package private(set) var tallies = [Tally(), Tally()]
  /// The trajectories on which they differ, in the order of the file.
  package private(set) var flips: [Flip] = []
  /// The number of trajectories.
  package private(set) var count = 0
  /// The number of groups.
  package private(set) var groups = 0
  /// Groups in which all advantages are zero only under the first.
  package private(set) var gained = 0
  /// Groups in which all advantages are zero only under the second.
  package private(set) var lost = 0
  /// Trajectories whose advantage has another sign.
  package private(set) var turned = 0
  /// Trajectories whose advantage differs by more than 0.1.
  package private(set) var moved = 0
  /// The reader's counts.
  package private(set) var counts = TrajectoryReader.Counts()
  let files: [String]
  private let advantage: any Stage
  private let tolerance: Double
  private let threads: Int

  /// Nothing has been scored yet.
  ///
  /// - Parameters:
  ///   - advantage: The stage that turns rewards into advantages.
  ///   - tolerance: How far two scores may differ and still count as equal.
  package init(
    sides: [RewardSide], advantage: any Stage, tolerance: Double, files: [String] = [], threads: Int = 1
  ) {
    precondition(sides.count == 2, "two reward functions are compared")
    self.sides = sides
    self.advantage = advantage
    self.tolerance = tolerance
    self.files = files
    self.threads = threads
  }

  /// Reads rollouts to their end and scores all.
  ///
  /// - Parameter onProgress: Called after each batch with the share that was read, if it is known.
  /// - Throws: Errors of reading or scoring; also when there is nothing to score.
  package mutating func read(
    _ options: TrajectoryReader.Options, onProgress: (Double?) -> Void = { _ in }
  ) async throws {
    let reader = TrajectoryReader(options)
    while let batch = try await reader.next() {
      try await add(batch)
      onProgress(await reader.progress)
    }
    counts = await reader.counts
    guard count > 0 else {
      throw PipelineError(
        .invalidData, "\(options.paths.joined(separator: ", ")) holds no trajectories to judge; look at it with inspect"
      )
    }
  }

  /// Scores a batch.
  ///
  /// - Throws: When scoring is cancelled, or advantages cannot be computed.
  package mutating func add(_ batch: TrajectoryBatch) async throws {
    var verdicts: [[RewardVerdict]] = []
    var advantages: [[String: Double]] = []
    for side in sides {
      let context = StageContext(stage: "reward-diff", step: batch.number, threads: threads)
      let found = try await side.verdicts(on: batch, in: context)
      var copy = batch
      for (position, verdict) in found.enumerated() {
        copy[position].reward = verdict.score
        copy[position].rewardStatus = verdict.status
      }
      try await advantage.run(&copy, in: context)
      verdicts.append(found)
      advantages.append(
        Dictionary(copy.trajectories.map { ($0.id, $0.advantage ?? 0) }, uniquingKeysWith: { first, _ in first }))
    }
    for side in sides.indices { tallies[side].add(verdicts[side], advantages[side]) }
    count += batch.count
    for group in batch.groups {
      groups += 1
      let ids = group.positions.map { batch[$0].id }
      let hasContrast = advantages.map { found in ids.contains { (found[$0] ?? 0) != 0 } }
      for side in sides.indices where hasContrast[side] { tallies[side].contrasted += 1 }
      if hasContrast[1], !hasContrast[0] { gained += 1 }
      if hasContrast[0], !hasContrast[1] { lost += 1 }
    }
    for (position, trajectory) in batch.trajectories.enumerated() {
      let both = advantages.map { $0[trajectory.id] }
      if let first = both[0], let second = both[1] {
        if first * second < 0 { turned += 1 }
        if abs(first - second) > 0.1 { moved += 1 }
      }
      if !areSame(verdicts[0][position], verdicts[1][position]) {
        flips.append(
          Flip(trajectory: trajectory, verdicts: verdicts.map { $0[position] }, advantages: both))
      }
    }
  }

  private func areSame(_ first: RewardVerdict, _ second: RewardVerdict) -> Bool {
    guard let one = first.score, let other = second.score else { return first.status == second.status }
    return abs(one - other) <= tolerance
  }
}

extension RewardDifference.Tally {
  fileprivate mutating func add(_ verdicts: [RewardVerdict], _ found: [String: Double]) {
    for verdict in verdicts {
      statuses[verdict.status, default: 0] += 1
      sum += verdict.score ?? 0
    }
    advantages += found.count
    // In a fixed order, for the same bytes.
    mass += found.sorted { $0.key < $1.key }.reduce(0) { $0 + abs($1.value) }
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The results of one chain for the batches so far.
///
/// The input of a chain is what was read; its advantages and rewards are those that its own stages assigned, whether a
/// trajectory was then kept or dropped. "Trained on" means what leaves the last stage, each draw counting once.
package struct SelectionTally: Sendable {
  /// What was dropped by one rule of a stage.
  package struct Drop: Sendable, Hashable {
    /// The stage's name in the spec.
    package let stage: String
    /// The rule.
    package let rule: String
    /// The number of trajectories.
    package internal(set) var count: Int
  }

  /// Trajectories that were read.
  package internal(set) var input = 0
  /// Groups that were read.
  package internal(set) var inputGroups = 0
  /// Different trajectories trained on.
  package internal(set) var distinct = 0
  /// Different trajectories of the input that are trained on: those that were not replayed.
  package internal(set) var kept = 0
  /// Trajectories trained on, each draw counting once.
  package internal(set) var draws = 0
  /// Groups of which at least one trajectory is trained on.
  package internal(set) var groups = 0
  /// Draws of trajectories whose group has two or more rewards, all equal.
  package internal(set) var zeroVarianceDraws = 0
  /// Input trajectories with an advantage, and how many of them have |A| < 0.1.
  package internal(set) var inputAdvantages = (count: 0, collapsed: 0)
  /// Draws of trajectories with an advantage, and how many of them have |A| < 0.1, A > 0, A < 0.
  package internal(set) var drawnAdvantages = (count: 0, collapsed: 0, positive: 0, negative: 0)
  /// The sum of |A| over the input, over its trajectories that are trained on, and over all draws.
  package internal(set) var mass = (input: 0.0, distinct: 0.0, draws: 0.0)
  /// Draws of trajectories that a stage has brought in from earlier steps, or from other runs.
  package internal(set) var replayedDraws = 0
  /// The largest number of times that one trajectory is trained on in a step.
  package internal(set) var largestExposure = 0
  /// Response tokens trained on, of the records that have tokens.
  package internal(set) var tokens = 0
  /// Response characters trained on, of the records that have no tokens.
  package internal(set) var characters = 0
  /// What was dropped, in the order in which rules first applied.
  package internal(set) var drops: [Drop] = []
  private var weightSum = 0.0
  private var weightSquares = 0.0

  /// Nothing has been seen yet.
  init() {}

  /// (ΣW)² / ΣW² over the distinct trajectories, W being draws times loss weight: the equivalent number of equally
  /// weighted ones.
  package var effectiveSampleSize: Double { weightSquares == 0 ? 0 : weightSum * weightSum / weightSquares }

  /// How often each trajectory is trained on, by its id; those that are not are left out.
  ///
  /// - Parameters:
  ///   - output: What the last stage has left of the batch.
  ///   - batch: The batch as it was read.
  /// - Throws: When a record can no longer be read.
  mutating func add(_ output: TrajectoryBatch, of batch: TrajectoryBatch) throws -> [ExactText: Exposure] {
    input += batch.count
    inputGroups += Set(batch.trajectories.lazy.map { ExactText($0.group) }).count
    var exposures: [ExactText: Exposure] = [:]
    var groups = GroupFates()
    for trajectory in output.trajectories {
      let times = trajectory.draws?.count ?? 1
      groups.add(trajectory, times: times)
      addInput(trajectory)
      guard times > 0 else { continue }
      exposures[ExactText(trajectory.id)] = Exposure(
        times: Int32(times), lossWeight: Float(trajectory.lossWeight ?? 1))
      addTrained(trajectory, times: times, length: try ResponseLength(of: trajectory))
    }
    for drop in output.drops {
      groups.add(drop.trajectory, times: 0)
      addInput(drop.trajectory)
      count(drop)
    }
    self.groups += groups.covered
    zeroVarianceDraws += groups.zeroVarianceDraws
    return exposures
  }

  private mutating func addInput(_ trajectory: Trajectory) {
    guard let advantage = trajectory.advantage, !trajectory.isReplayed else { return }
    inputAdvantages.count += 1
    inputAdvantages.collapsed += abs(advantage) < 0.1 ? 1 : 0
    mass.input += abs(advantage)
  }

  private mutating func addTrained(_ trajectory: Trajectory, times: Int, length: ResponseLength) {
    distinct += 1
    draws += times
    let isReplayed = trajectory.isReplayed
    if isReplayed { replayedDraws += times } else { kept += 1 }
    largestExposure = max(largestExposure, times)
    let weight = Double(times) * (trajectory.lossWeight ?? 1)
    weightSum += weight
    weightSquares += weight * weight
    switch length {
    case .tokens(let count): tokens += count * times
    case .characters(let count): characters += count * times
    case .unknown: break
    }
    guard let advantage = trajectory.advantage else { return }
    drawnAdvantages.count += times
    drawnAdvantages.collapsed += abs(advantage) < 0.1 ? times : 0
    drawnAdvantages.positive += advantage > 0 ? times : 0
    drawnAdvantages.negative += advantage < 0 ? times : 0
    if !isReplayed { mass.distinct += abs(advantage) }
    mass.draws += abs(advantage) * Double(times)
  }

  private mutating func count(_ drop: TrajectoryBatch.Drop) {
    if let index = drops.firstIndex(where: { $0.stage == drop.stage && $0.rule == drop.rule }) {
      drops[index].count += 1
    } else {
      drops.append(Drop(stage: drop.stage, rule: drop.rule, count: 1))
    }
  }
}

/// The groups of one batch: which are trained on, and which have only equal rewards.
private struct GroupFates {
  private struct Fate {
    var draws = 0
    var rewards = 0
    var reward = 0.0
    var isEqual = true
  }
  private var fates: [ExactText: Fate] = [:]

  mutating func add(_ trajectory: Trajectory, times: Int) {
    let group = ExactText(trajectory.group)
    var fate = fates[group] ?? Fate()
    fate.draws += times
    if let reward = trajectory.reward {
      if fate.rewards == 0 { fate.reward = reward }
      fate.rewards += 1
      fate.isEqual = fate.isEqual && reward == fate.reward
    }
    fates[group] = fate
  }

  var covered: Int { fates.values.count { $0.draws > 0 } }
  var zeroVarianceDraws: Int {
    fates.values.reduce(0) { $0 + ($1.rewards > 1 && $1.isEqual ? $1.draws : 0) }
  }
}

/// The length of a response: in tokens if the record has them.
enum ResponseLength: Sendable {
  case tokens(Int)
  case characters(Int)
  case unknown

  /// Counts without decoding tokens.
  init(of trajectory: Trajectory) throws {
    if let count = try trajectory.tokenCount {
      self = .tokens(count)
    } else if let response = try trajectory.response {
      self = .characters(response.unicodeScalars.count)
    } else {
      self = .unknown
    }
  }
}

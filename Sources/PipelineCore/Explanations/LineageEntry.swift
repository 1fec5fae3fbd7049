// SPDX-License-Identifier: Apache-2.0

/// The record of one trajectory in one step of a run: its values, and what became of it.
public struct LineageEntry: Sendable, Hashable {
  /// How the trajectory left the step.
  public enum Outcome: Sendable, Hashable {
    /// It passed every stage.
    case kept
    /// A stage dropped it by a rule.
    case dropped(stage: String, rule: String)
  }

  /// The step.
  public var step: Int
  /// The trajectory.
  public var id: String
  /// The prompt's id.
  public var group: String
  /// What became of it.
  public var outcome: Outcome
  /// Its reward, if it got one.
  public var reward: Double?
  /// The status of its reward, if the record states it.
  public var rewardStatus: String?
  /// The reason why it has no reward, if a reward function failed or timed out.
  public var rewardReason: String?
  /// The parts of the reward.
  public var rewards: [RewardPart]
  /// Its advantage, if it got one.
  public var advantage: Double?
  /// Its place in a pair, if it got one.
  public var pair: Pair?
  /// The factor of its loss, if a stage set one.
  public var lossWeight: Double?
  /// Its positions in the drawn batch, if a stage drew one.
  public var draws: [Int]?
  /// The wave that it was made in, from 0, if its group was made in waves.
  public var wave: Int?
  /// Why a sampler chose its prompt, if one did.
  public var promptChoice: JSONValue?
  /// Where it comes from, if it was replayed, or has waited for the rest of its group; see ``Field/origin``.
  public var origin: JSONValue?

  /// Whether it was replayed.
  public var isReplayed: Bool { origin.map { !$0.isOriginOfWaves } ?? false }

  /// Whether it was made in an earlier step, and has waited for the rest of its group or for its turn.
  public var hasWaited: Bool { origin?.isOriginOfWaves ?? false }

  /// An entry.
  public init(
    step: Int = 0, id: String, group: String, outcome: Outcome = .kept, reward: Double? = nil,
    rewardStatus: String? = nil, rewardReason: String? = nil, rewards: [RewardPart] = [], advantage: Double? = nil,
    pair: Pair? = nil, lossWeight: Double? = nil, draws: [Int]? = nil
  ) {
    self.step = step
    self.id = id
    self.group = group
    self.outcome = outcome
    self.reward = reward
    self.rewardStatus = rewardStatus
    self.rewardReason = rewardReason
    self.rewards = rewards
    self.advantage = advantage
    self.pair = pair
    self.lossWeight = lossWeight
    self.draws = draws
  }

  /// How often the trajectory is trained on: once for each draw, once if nothing was drawn, never if dropped.
  public var timesTrainedOn: Int { outcome == .kept ? draws?.count ?? 1 : 0 }
}

/// The input of a stage in one step of a run, from the run's lineage.
public struct LineageStep: Sendable {
  /// The rollouts of the explained trajectory's group, including those dropped before the stage.
  public let group: [LineageEntry]
  private let walk: @Sendable ((LineageEntry) -> Void) -> Void

  /// A step.
  ///
  /// - Parameters:
  ///   - group: The rollouts of the explained trajectory's group.
  ///   - walk: Passes every trajectory that reached the stage.
  public init(group: [LineageEntry], walk: @escaping @Sendable (_ show: (LineageEntry) -> Void) -> Void) {
    self.group = group
    self.walk = walk
  }

  /// The same step, with only some of the group's rollouts.
  package func keeping(_ isKept: (LineageEntry) -> Bool) -> LineageStep {
    LineageStep(group: group.filter(isKept), walk: walk)
  }

  /// Passes every trajectory that reached the stage, in the order of the input.
  ///
  /// They are read from the run's files during the call, one at a time.
  public func forEach(_ body: (LineageEntry) -> Void) { walk(body) }
}

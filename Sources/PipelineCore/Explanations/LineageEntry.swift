// SPDX-License-Identifier: Apache-2.0

/// What a run wrote down about one trajectory in one step: what it had, and what became of it.
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
  /// The query that it responds to.
  public var group: String
  /// What became of it.
  public var outcome: Outcome
  /// Its reward, if it got one.
  public var reward: Double?
  /// What became of scoring it, where the record says so.
  public var rewardStatus: String?
  /// The parts of the reward.
  public var rewards: [RewardPart]
  /// Its advantage, if it got one.
  public var advantage: Double?
  /// Its place in a pair, if it got one.
  public var pair: Pair?
  /// What its loss is multiplied by, where a stage set that.
  public var lossWeight: Double?
  /// Its positions in the drawn batch, where a stage drew one.
  public var draws: [Int]?

  /// An entry.
  public init(
    step: Int = 0, id: String, group: String, outcome: Outcome = .kept, reward: Double? = nil,
    rewardStatus: String? = nil, rewards: [RewardPart] = [], advantage: Double? = nil, pair: Pair? = nil,
    lossWeight: Double? = nil, draws: [Int]? = nil
  ) {
    self.step = step
    self.id = id
    self.group = group
    self.outcome = outcome
    self.reward = reward
    self.rewardStatus = rewardStatus
    self.rewards = rewards
    self.advantage = advantage
    self.pair = pair
    self.lossWeight = lossWeight
    self.draws = draws
  }

  /// How often the trajectory is trained on: once for each draw, once where nothing was drawn, never when dropped.
  public var timesTrainedOn: Int { outcome == .kept ? draws?.count ?? 1 : 0 }
}

/// What a stage found before it in one step of a run, as the run's lineage has it.
public struct LineageStep: Sendable {
  /// The rollouts of the explained trajectory's group, those included that left before the stage.
  public let group: [LineageEntry]
  private let walk: @Sendable ((LineageEntry) -> Void) -> Void

  /// A step.
  ///
  /// - Parameters:
  ///   - group: The rollouts of the explained trajectory's group.
  ///   - walk: Shows every trajectory that reached the stage.
  public init(group: [LineageEntry], walk: @escaping @Sendable (_ show: (LineageEntry) -> Void) -> Void) {
    self.group = group
    self.walk = walk
  }

  /// Looks at every trajectory that reached the stage, in the order of the input.
  ///
  /// They are read from the run's files while this is called, one at a time.
  public func forEach(_ body: (LineageEntry) -> Void) { walk(body) }
}

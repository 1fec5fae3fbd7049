// SPDX-License-Identifier: Apache-2.0

/// Turns rewards into advantages.
public protocol AdvantageEstimator: Component {
  /// The fields that each trajectory must carry in addition to `reward`.
  var reads: Set<Field> { get }

  /// The parts of the reward without which it is of no use.
  var readsScores: Set<String> { get }

  /// `advantage`, and `advantages` if the estimator gives values per token.
  var writes: Set<Field> { get }

  /// Whether an advantage compares a rollout with the others of its group.
  var comparesWithinGroup: Bool { get }

  /// How an advantage comes about, in a few words or a formula: `(reward - mean) / std of its group`.
  var formula: String { get }

  /// Computes advantages for all scored trajectories of a batch.
  ///
  /// - Parameter groups: For each group, its scored rollouts in the order of the input, at least one.
  /// - Returns: For each group, an advantage for each rollout.
  func advantages(for groups: [[ScoredRollout]]) throws -> [[RolloutAdvantage]]

  /// Computes advantages as ``advantages(for:)`` does, and reports what is to be known about them.
  ///
  /// Figures are named `estimator/…` and combined by their mean; its ``ComponentAbout`` describes them.
  func advantages(for groups: [[ScoredRollout]], report: StageReport) throws -> [[RolloutAdvantage]]
}

extension AdvantageEstimator {
  /// Nothing but `reward`.
  public var reads: Set<Field> { [] }

  /// One value for each trajectory.
  public var writes: Set<Field> { [.advantage] }

  /// None.
  public var readsScores: Set<String> { [] }

  /// Nothing to report.
  public func advantages(for groups: [[ScoredRollout]], report: StageReport) throws -> [[RolloutAdvantage]] {
    try advantages(for: groups)
  }

  /// The summary.
  public var formula: String { Self.about.summary }
}

/// A rollout with a reward.
public struct ScoredRollout: Sendable {
  /// The reward, finite.
  public let reward: Double
  /// The number of response tokens; 0 unless the estimator reads `tokens`.
  public let tokenCount: Int
  /// The reward of the greedy response to the same prompt; nil unless the estimator reads `baseline`.
  public let baseline: Double?
  /// What is known of all rollouts of the prompt; nil unless the estimator reads ``Field/seen``.
  public let seen: SeenStatistics?
  /// The named parts of the reward; empty unless the estimator reads `rewards`.
  public let parts: [RewardPart]
  /// The log-probability of each token under the policy that sampled it; empty unless the estimator reads `logprobs`.
  public let logProbs: [Double]
  /// The entropy of the distribution of each token, in nats; empty unless the estimator reads `entropies`.
  public let entropies: [Double]

  /// Describes a scored rollout.
  public init(
    reward: Double, tokenCount: Int = 0, baseline: Double? = nil, parts: [RewardPart] = [], logProbs: [Double] = [],
    entropies: [Double] = [], seen: SeenStatistics? = nil
  ) {
    self.seen = seen
    self.reward = reward
    self.tokenCount = tokenCount
    self.baseline = baseline
    self.parts = parts
    self.logProbs = logProbs
    self.entropies = entropies
  }
}

/// The advantage of a rollout.
public enum RolloutAdvantage: Sendable, Hashable {
  /// One value for every token of the response.
  case uniform(Double)
  /// One value per token of the response; the trajectory's own is their mean.
  case perToken([Double])
}

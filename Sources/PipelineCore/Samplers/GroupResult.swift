// SPDX-License-Identifier: Apache-2.0

/// What became of a prompt in a step: made by the run from the batch and its drops.
public struct GroupResult: Sendable, Hashable {
  /// The prompt's place in the pool.
  public var index: Int
  /// The rewards of the scored rollouts, in the order of sampling.
  public var rewards: [Double]
  /// The rollouts without a reward.
  public var unscored: Int
  /// The named scores of the scored rollouts, each in the order of sampling.
  public var scores: [String: [Double]]
  /// The response lengths of all rollouts in tokens, as far as they are known.
  public var lengths: [Int]
  /// The advantages of the rollouts that have one.
  public var advantages: [Double]
  /// The rule by which the last of its rollouts left, if none is kept.
  public var rule: String?
  /// The waves that its rollouts were made in.
  public var waves: Int
  /// The number of updates of the policy that made the rollouts.
  public var policyVersion: Int

  /// A result.
  public init(
    index: Int, rewards: [Double] = [], unscored: Int = 0, scores: [String: [Double]] = [:], lengths: [Int] = [],
    advantages: [Double] = [], rule: String? = nil, waves: Int = 1, policyVersion: Int = 0
  ) {
    self.index = index
    self.rewards = rewards
    self.unscored = unscored
    self.scores = scores
    self.lengths = lengths
    self.advantages = advantages
    self.rule = rule
    self.waves = waves
    self.policyVersion = policyVersion
  }

  /// The values of a score: `reward`, or one of its parts; also a part in any function, as `accuracy` in `math/accuracy`.
  public func values(of score: String) -> [Double] {
    if score == Field.reward.rawValue { return rewards }
    return scores[score] ?? scores.filter { $0.key.hasSuffix("/" + score) }.min { $0.key < $1.key }?.value ?? []
  }

  /// The mean of a score; nil where no rollout has it.
  public func mean(of score: String = Field.reward.rawValue) -> Double? {
    let values = values(of: score)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// Whether all of its rewards are equal; false where there are none.
  public var isFlat: Bool { rewards.first.map { first in rewards.allSatisfy { $0 == first } } ?? false }
}

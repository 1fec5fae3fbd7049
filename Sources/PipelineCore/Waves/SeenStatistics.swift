// SPDX-License-Identifier: Apache-2.0

/// What is known of all rollouts of a prompt, those that are not kept included: the field `seen` of the kept ones.
public struct SeenStatistics: Sendable, Hashable {
  /// The scored rollouts.
  public var count: Int
  /// Those whose reward is above ``threshold``.
  public var right: Int
  /// The mean of their rewards.
  public var mean: Double
  /// The standard deviation of their rewards, with n − 1; 0 for one.
  public var deviation: Double
  /// What a reward must be above to be right.
  public var threshold: Double

  /// Counts rewards.
  ///
  /// - Parameter rewards: Those of the scored rollouts.
  public init(rewards: [Double], threshold: Double) {
    count = rewards.count
    right = rewards.count { $0 > threshold }
    self.threshold = threshold
    let mean = rewards.isEmpty ? 0 : rewards.reduce(0, +) / Double(rewards.count)
    let squares = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let isFlat = rewards.allSatisfy { $0 == rewards[0] }
    self.mean = isFlat ? rewards.first ?? 0 : mean
    deviation = isFlat ? 0 : (squares / Double(rewards.count - 1)).squareRoot()
  }

  /// As a field holds it.
  public var json: JSONValue {
    [
      "count": .number(count), "right": .number(right), "mean": .number(mean), "std": .number(deviation),
      "threshold": .number(threshold),
    ]
  }

  /// Reads ``json``; nil for anything else.
  public init?(_ json: JSONValue) {
    guard let count = json["count"]?.intValue, let right = json["right"]?.intValue,
      let mean = json["mean"]?.doubleValue, let deviation = json["std"]?.doubleValue,
      let threshold = json["threshold"]?.doubleValue, count > 0, (0...count).contains(right), deviation >= 0
    else { return nil }
    (self.count, self.right, self.mean, self.deviation, self.threshold) = (count, right, mean, deviation, threshold)
  }

  /// The share of right ones, and their standard deviation with n − 1 as 1 and 0.
  public var shareRight: (mean: Double, deviation: Double) {
    let share = Double(right) / Double(max(1, count))
    if count < 2 { return (share, 0) }
    return (share, (Double(count) * share * (1 - share) / Double(count - 1)).squareRoot())
  }
}

extension Field {
  /// What is known of all rollouts of a prompt, as ``SeenStatistics/json``.
  ///
  /// It is no reserved field: records that carry one keep it.
  public static let seen = Field("seen")
  /// The wave that a rollout was made in, from 0, where a `rollout` stage has `waves`; none for those that it makes besides.
  public static let rolloutWave = Field("rollout_wave")
  /// Why a sampler chose the prompt, where the source has one.
  public static let promptChoice = Field("prompt_choice")
}

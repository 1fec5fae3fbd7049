// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// `A_i = (r_i − mean(r)) / (std(r) + 1e-6)` over the group, the standard deviation with n − 1.
///
/// Source: Shao et al., "DeepSeekMath" (GRPO); the constant as in EasyR1 and Shuffle-R1.
public struct GRPOEstimator: AdvantageEstimator {
  /// `grpo`.
  public static let name = "grpo"
  /// The summary that `describe` shows.
  public static let summary = "The reward's distance from the group's mean, in standard deviations"
  /// Rollouts are compared with the others of their group.
  public let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  public func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in
      rewards.map { ($0 - group.mean) / (group.standardDeviation + 1e-6) }
    }
  }
}

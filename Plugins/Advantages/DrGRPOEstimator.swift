// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// `A_i = r_i − mean(r)` over the group.
///
/// Source: Liu et al., "Understanding R1-Zero-Like Training" (Dr. GRPO).
public struct DrGRPOEstimator: AdvantageEstimator {
  /// `dr-grpo`.
  public static let name = "dr-grpo"
  /// The summary that `describe` shows.
  public static let summary = "The reward's distance from the group's mean, not divided by the spread"
  /// Rollouts are compared with the others of their group.
  public let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  public func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in rewards.map { $0 - group.mean } }
  }
}

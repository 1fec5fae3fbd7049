// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// `A_i = r_i − mean of the group's other rewards`.
///
/// Source: Ahmadian et al., "Back to Basics" (RLOO).
public struct RLOOEstimator: AdvantageEstimator {
  /// `rloo`.
  public static let name = "rloo"
  /// The summary that `describe` shows.
  public static let summary = "The reward's distance from the mean of the others in the group"
  /// Rollouts are compared with the others of their group.
  public let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  public func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in
      // r − (Σ − r) / (n − 1), rearranged.
      let scale = Double(rewards.count) / Double(rewards.count - 1)
      return rewards.map { ($0 - group.mean) * scale }
    }
  }
}

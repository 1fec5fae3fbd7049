// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = (r_i − mean(r)) / (std(r) + 1e-6)` over the group, the standard deviation with n − 1.
///
/// The constant is that of EasyR1 and Shuffle-R1.
package struct GRPOEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "grpo", summary: "The reward's distance from the group's mean, in standard deviations",
    elsewhere: ["grpo_vectorized", "pairwise_purning", "pairwise_pruning", "gae"],
    papers: [Paper("DeepSeekMath (GRPO)", arXiv: "2402.03300")])
  /// How an advantage comes about.
  package let formula = "(reward - mean) / std of its group"
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in
      rewards.map { ($0 - group.mean) / (group.standardDeviation + 1e-6) }
    }
  }
}

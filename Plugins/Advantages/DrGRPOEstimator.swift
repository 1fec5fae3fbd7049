// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = r_i − mean(r)` over the group.
package struct DrGRPOEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "dr-grpo", summary: "The reward's distance from the group's mean, not divided by the spread",
    papers: [Paper("Understanding R1-Zero-Like Training (Dr. GRPO)", arXiv: "2503.20783")])
  /// How an advantage comes about.
  package let formula = "reward - mean of its group"
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in rewards.map { $0 - group.mean } }
  }
}

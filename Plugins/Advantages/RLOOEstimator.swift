// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = r_i − mean of the group's other rewards`.
package struct RLOOEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "rloo", summary: "The reward's distance from the mean of the others in the group",
    papers: [Paper("Back to Basics (RLOO)", arXiv: "2402.14740")])
  /// How an advantage comes about.
  package let formula = "reward - mean of the others in its group"
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in
      // r − (Σ − r) / (n − 1), rearranged.
      let scale = Double(rewards.count) / Double(rewards.count - 1)
      return rewards.map { ($0 - group.mean) * scale }
    }
  }
}

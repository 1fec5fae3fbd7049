// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `(r_max − r_second) / (std(r) + 1e-6)` for the best rollout of the group, 0 for the others.
///
/// Where several share the best reward the lead is 0.
package struct GRPOPassKEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "grpo-passk", summary: "Only the best of the group: its lead over the second, in standard deviations",
    papers: [Paper("EasyR1, compute_grpo_passk_outcome_advantage", link: "https://github.com/hiyouga/EasyR1")])
  /// How an advantage comes about.
  package let formula = "only the best of a group has one: (best - second) / std"
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in
      var best = 0
      for index in rewards.indices where rewards[index] > rewards[best] { best = index }
      let second = rewards.indices.filter { $0 != best }.map { rewards[$0] }.max() ?? rewards[best]
      return rewards.indices.map { index in
        index == best ? (rewards[best] - second) / (group.standardDeviation + 1e-6) : 0
      }
    }
  }
}

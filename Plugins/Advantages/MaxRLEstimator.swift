// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = (r_i − mean(r)) / mean(r)` over the group; 0 where the mean is not above 0, and for a group of one.
///
/// The limit of this for ever more rollouts is the gradient of the log-likelihood of a right answer. It is not limited: one
/// right of 64 has 63. Rewards below 0 have no place in it, and are warned about.
// Differs from MaxRL's program: nothing is added to the mean; there a group of one has r / 1e-6, and rewards of −1 and 1
// with mean 0 have ±1e6. This is prime-rl's form.
package struct MaxRLEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "max-rl",
    summary: "The reward's distance from the group's mean, relative to that mean: rare successes count most",
    elsewhere: ["maxrl"],
    papers: [Paper("Maximum Likelihood Reinforcement Learning (MaxRL)", arXiv: "2602.02710")])
  /// How an advantage comes about.
  package let formula = "(reward - mean) / mean of its group"
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.advantagesWithinGroups { rewards, group in
      group.mean > 0 ? rewards.map { ($0 - group.mean) / group.mean } : rewards.map { _ in 0 }
    }
  }

  /// The same, with a warning about rewards below 0.
  package func advantages(for groups: [[ScoredRollout]], report: StageReport) -> [[RolloutAdvantage]] {
    let negative = groups.joined().count { $0.reward < 0 }
    if negative > 0 {
      report.warn(
        "negative-reward",
        "\(negative) rewards are below 0, and 'max-rl' divides by the mean: a group whose mean is not above 0 has the advantage 0; "
          + "give rewards of 0 or more, or use 'dr-grpo'", count: negative)
    }
    return advantages(for: groups)
  }
}

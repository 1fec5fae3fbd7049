// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = r_i`: the reward, without a baseline.
///
/// Behind a stage `filter` with the rule `zero-variance` this is Reinforce-Rej.
package struct ReinforceEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "reinforce", summary: "The reward itself, without a baseline",
    papers: [
      Paper(
        "Simple Statistical Gradient-Following Algorithms (REINFORCE)", link: "https://doi.org/10.1007/BF00992696"),
      Paper(
        "A Minimalist Approach to LLM Reasoning: from Rejection Sampling to Reinforce (Reinforce-Rej, behind a filter)",
        arXiv: "2504.11343"),
    ])
  /// How an advantage comes about.
  package let formula = "the reward itself"
  /// A rollout needs no partner.
  package let comparesWithinGroup = false

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// The rewards.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.map { group in group.map { .uniform($0.reward) } }
  }
}

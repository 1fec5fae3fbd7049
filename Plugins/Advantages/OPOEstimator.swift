// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = r_i − Σ l·r / Σ l` over the group, with the lengths `l` of the responses.
///
/// The baseline of least variance, if the gradients of tokens are of like size and independent.
package struct OPOEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "opo",
    summary: "The reward's distance from the group's mean, in which a reward counts by its response's length",
    papers: [Paper("On-Policy RL with Optimal Reward Baseline (OPO)", arXiv: "2505.23585")])
  /// How an advantage comes about.
  package let formula = "reward - mean of its group, weighted by length"
  /// The response's tokens, to be counted.
  package let reads: Set<Field> = [.tokens]
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; 0 where the group's rewards are equal.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.map { group in
      let rewards = group.map(\.reward)
      let tokens = group.reduce(0) { $0 + $1.tokenCount }
      if rewards.allSatisfy({ $0 == rewards[0] }) || tokens == 0 { return group.map { _ in .uniform(0) } }
      let baseline = group.reduce(0) { $0 + Double($1.tokenCount) * $1.reward } / Double(tokens)
      return rewards.map { .uniform($0 - baseline) }
    }
  }
}

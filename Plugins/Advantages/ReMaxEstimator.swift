// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A_i = r_i − r(greedy response)`; the greedy reward is the trajectory's `baseline`.
package struct ReMaxEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "remax", summary: "The reward's distance from that of the greedy response, which records carry as baseline",
    papers: [Paper("ReMax", arXiv: "2310.10505")])
  /// How an advantage comes about.
  package let formula = "reward - reward of the greedy response"
  /// The greedy response's reward.
  package let reads: Set<Field> = [.baseline]
  /// A rollout needs no partner.
  package let comparesWithinGroup = false

  /// Makes the estimator; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// One advantage for each rollout; every rollout has a baseline, since the estimator reads it.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.map { group in group.map { .uniform($0.reward - ($0.baseline ?? 0)) } }
  }
}

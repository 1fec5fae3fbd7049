// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `A = (r − μ) / (max(σ, 1e-6) + 1e-6)` with the mean and the standard deviation (n − 1) of all rollouts that were seen of the
/// prompt, those that are not kept included.
///
/// Source: Reinforce-Ada, `global_stat_est`.
// Differs from Reinforce-Ada: there μ and σ are of right = 1 and wrong = 0 while r stays the reward, so that an answer with half
// a reward for its form is compared with another scale; 'published' does that.
package struct SeenStatisticsEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "seen-statistics", summary: "The distance from the mean of all rollouts seen of the prompt, kept or not",
    papers: [
      Paper("Reinforce-Ada: An Adaptive Sampling Framework for Reinforce-Style LLM Training", arXiv: "2510.04996")
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var statistics = Statistics.right

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "statistics":
        "right: right rollouts count as 1, wrong ones as 0; rewards: mean and deviation of the rewards themselves; published: "
        + "rewards against the mean and deviation of right and wrong, as in the published program"
    ]
  }

  /// What is compared with what.
  package enum Statistics: String, Codable, Sendable, CaseIterable {
    /// Right = 1 and wrong = 0, for the rollout and for the statistics.
    case right
    /// Rewards, for both.
    case rewards
    /// The reward, with the statistics of right = 1 and wrong = 0.
    case published
  }

  /// The statistics.
  package let reads: Set<Field> = [.seen]
  /// A rollout is compared with all that were seen, which need not be in the batch.
  package let comparesWithinGroup = false
  private let statistics: Statistics

  /// Makes the estimator.
  package init(options: Options = Options(), assembly: Assembly) { statistics = options.statistics }

  /// How an advantage comes about.
  package var formula: String { "(reward - mean) / std of all rollouts seen of its prompt" }

  /// An advantage for each rollout; exactly 0 where all that were seen are alike.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.map { group in group.map { .uniform($0.seen.map { [reward = $0.reward] in advantage(reward, $0) } ?? 0) } }
  }

  private func advantage(_ reward: Double, _ seen: SeenStatistics) -> Double {
    let (mean, deviation) = statistics == .rewards ? (seen.mean, seen.deviation) : seen.shareRight
    let value = statistics == .right ? (reward > seen.threshold ? 1.0 : 0) : reward
    if statistics != .published, deviation == 0 { return 0 }
    return (value - mean) / (max(deviation, 1e-6) + 1e-6)
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// GRPO's advantages, and for groups whose rewards are all equal advantages shaped by the entropies of the tokens.
///
/// All right, with H the entropy of each token: `A_t = α · H_t`. All wrong: `A_t = −α · (max_s H_s − H_t)`, the maximum over
/// the response: uncertain tokens are punished least. A group of one has the advantage 0 unless `single` says otherwise.
///
/// Source: equation 5 of the paper, as three independent programs have it; the authors' own was not found.
package struct RLZVPEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "rl-zvp",
    summary: "GRPO, and for groups that are all right or all wrong advantages by the entropy of each token",
    papers: [
      Paper(
        "No Prompt Left Behind: Exploiting Zero-Variance Prompts in LLM Reinforcement Learning via Entropy-Guided Advantage "
          + "Shaping (RL-ZVP)", arXiv: "2509.21880")
    ],
    metrics: [
      MetricAbout("estimator/shaped_share", unit: "share", "groups whose advantages come from entropies")
    ])
  /// How an advantage comes about.
  package let formula =
    "(reward - mean) / std of its group, or by entropies where all rewards are equal; this is the mean"
  /// The tokens, and the entropy of each.
  package let reads: Set<Field> = [.tokens, .entropies]
  /// Values per token.
  package let writes: Set<Field> = [.advantage, .advantages]
  /// Rollouts are compared with the others of their group.
  package let comparesWithinGroup = true

  /// What to do with a group of one.
  package enum Single: String, Codable, Sendable, CaseIterable {
    /// Its advantage is 0.
    case zero
    /// It is treated as a group whose rewards are equal.
    case shape
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var alpha = 0.1
    package var threshold = 0.5
    package var single = Single.zero

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "alpha": "what entropies are multiplied by",
      "threshold": "the reward from which on a group of equal rewards is all right, and below which it is all wrong",
      "single": "whether a group of one has the advantage 0 (zero) or is shaped like others of equal rewards (shape)",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      alpha >= 0 && alpha.isFinite ? [] : [OptionProblem("alpha", "is \(alpha), it must be 0 or more")]
    }
  }

  private let options: Options

  /// Makes the estimator.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Advantages per token.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    groups.map { group in
      let statistics = GroupStatistics(group.map(\.reward))
      if isShaped(group, statistics) { return group.map { .perToken(shaped($0)) } }
      return group.map { rollout in
        let value =
          statistics.isConstant ? 0 : (rollout.reward - statistics.mean) / (statistics.standardDeviation + 1e-6)
        return .perToken(Array(repeating: value, count: rollout.tokenCount))
      }
    }
  }

  /// The same, with the share of groups that are shaped.
  package func advantages(for groups: [[ScoredRollout]], report: StageReport) -> [[RolloutAdvantage]] {
    let shaped = groups.count { isShaped($0, GroupStatistics($0.map(\.reward))) }
    if !groups.isEmpty { report.metric("estimator/shaped_share", Double(shaped) / Double(groups.count)) }
    return advantages(for: groups)
  }

  private func isShaped(_ group: [ScoredRollout], _ statistics: GroupStatistics) -> Bool {
    statistics.isConstant && (group.count > 1 || options.single == .shape)
  }

  private func shaped(_ rollout: ScoredRollout) -> [Double] {
    if rollout.reward >= options.threshold { return rollout.entropies.map { options.alpha * $0 } }
    let greatest = rollout.entropies.max() ?? 0
    return rollout.entropies.map { -options.alpha * (greatest - $0) }
  }
}

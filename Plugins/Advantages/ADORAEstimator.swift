// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Scales down the advantages of groups whose right responses are no longer than their wrong ones.
///
/// With M the length of the longest right response, and m the mean length of the wrong ones below the limit: the factor of
/// the group is 1 if M > m, else `factor`. None right: 1. None wrong, or all wrong ones at the limit: 1, unless `none_wrong`
/// says `scale`.
// Differs from ADORA's programs: they disagree where none is right or none is wrong; and the one for language models calls
// right what is above 1.01, which rewards up to 1 never are.
package struct ADORAEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "adora",
    summary: "Another estimator's advantages, less for groups whose right responses are not the longer ones",
    papers: [
      Paper(
        "ADORA: Training Reasoning Models with Dynamic Advantage Estimation on Reinforcement Learning",
        arXiv: "2602.10019")
    ],
    metrics: [MetricAbout("estimator/scaled_share", unit: "share", "groups whose advantages are scaled down")])

  /// What to do with a group without a wrong response below the limit.
  package enum NoneWrong: String, Codable, Sendable, CaseIterable {
    /// Its advantages stay.
    case keep
    /// They are scaled down.
    case scale
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var estimator = ComponentReference("grpo")
    package var factor = 0.1
    package var score = "reward"
    package var threshold = 0.5
    package var limit = 4054
    package var noneWrong = NoneWrong.keep

    /// The defaults.
    package init() {}

    /// Estimators are named in `estimator`.
    package static let componentKinds: [String: ComponentKind] = ["estimator": .advantage]

    /// The help for each option.
    package static let help = [
      "estimator": "the advantage estimator whose advantages are scaled",
      "factor": "what they are multiplied by",
      "score": "what says whether a response is right: 'reward', or the name of one of its parts",
      "threshold": "a response is right if it scores at least this",
      "limit": "wrong responses of this many tokens or more do not count in the mean; 0 for no limit",
      "none_wrong": "a group without a wrong response below the limit: keep leaves it as it is, scale scales it down",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !(factor >= 0 && factor.isFinite) {
        problems.append(OptionProblem("factor", "is \(factor), it must be 0 or more"))
      }
      if let problem = OptionProblem.unlessScore(score) { problems.append(problem) }
      if limit < 0 { problems.append(OptionProblem("limit", "is \(limit), it must not be negative")) }
      return problems
    }
  }

  private let options: Options
  private let inner: any AdvantageEstimator

  /// Makes the estimator and the one that it scales.
  package init(options: Options = Options(), assembly: Assembly) throws {
    self.init(options: options, inner: try assembly.advantage(options.estimator))
  }

  /// Scales the advantages of an estimator.
  package init(options: Options = Options(), inner: any AdvantageEstimator) {
    self.options = options
    self.inner = inner
  }

  /// How an advantage comes about.
  package var formula: String {
    "\(inner.formula), times \(options.factor) unless its group's right responses are longer"
  }
  /// The tokens, to be counted, and what the other estimator reads.
  package var reads: Set<Field> {
    inner.reads.union([.tokens]).union(options.score == "reward" ? [] : [.rewards])
  }
  /// What the other estimator writes.
  package var writes: Set<Field> { inner.writes }
  /// Lengths are compared within the group.
  package let comparesWithinGroup = true
  /// The score that says whether a response is right.
  package var readsScores: Set<String> {
    options.score == "reward" ? inner.readsScores : inner.readsScores.union([options.score])
  }

  /// The scaled advantages.
  package func advantages(for groups: [[ScoredRollout]]) throws -> [[RolloutAdvantage]] {
    scale(try inner.advantages(for: groups), groups)
  }

  /// The same, with the share of groups that are scaled.
  package func advantages(for groups: [[ScoredRollout]], report: StageReport) throws -> [[RolloutAdvantage]] {
    if !groups.isEmpty {
      let scaled = groups.count { factor(of: $0) != 1 }
      report.metric("estimator/scaled_share", Double(scaled) / Double(groups.count))
    }
    return scale(try inner.advantages(for: groups, report: report), groups)
  }

  private func scale(_ advantages: [[RolloutAdvantage]], _ groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    zip(advantages, groups).map { advantages, group in
      let factor = factor(of: group)
      return advantages.map { advantage in
        switch advantage {
        case .uniform(let value): .uniform(factor * value)
        case .perToken(let values): .perToken(values.map { factor * $0 })
        }
      }
    }
  }

  private func factor(of group: [ScoredRollout]) -> Double {
    let right = group.filter(isRight)
    let wrong = group.filter { !isRight($0) && (options.limit == 0 || $0.tokenCount < options.limit) }
    guard let longest = right.map(\.tokenCount).max() else { return 1 }
    if wrong.isEmpty { return options.noneWrong == .keep ? 1 : options.factor }
    let mean = Double(wrong.reduce(0) { $0 + $1.tokenCount }) / Double(wrong.count)
    return Double(longest) > mean ? 1 : options.factor
  }

  /// A rollout without the score is not right.
  private func isRight(_ rollout: ScoredRollout) -> Bool {
    let score = options.score == "reward" ? rollout.reward : rollout.parts.first { $0.name == options.score }?.score
    return score.map { $0 >= options.threshold } ?? false
  }
}

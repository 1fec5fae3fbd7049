// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The options of ``GRESOSampler``.
package struct GRESOOptions: ComponentOptions {
  package var judge = GRESOJudge.variance
  package var pEasy = 0.5
  package var pHard = 0.5
  package var target = 0.25
  package var least = 0.01
  package var leastFurther = 64

  /// The defaults.
  package init() {}

  /// The help for each option.
  package static let help = [
    "judge":
      "when a visit is easy or hard: variance, all rewards are equal, and at least one half or less; mean, the mean reward is at "
      + "least 0.98 or at most 0.11",
    "p_easy": "the probability at first that a prompt is rolled out after one easy visit",
    "p_hard": "the probability at first that a prompt is rolled out after one hard visit",
    "target":
      "the share of groups without contrast that is aimed at: a third of it easy, two thirds hard; the probabilities follow",
    "least": "no prompt is rolled out with a lower probability",
    "least_further": "the fewest prompts that a step which is not full takes at once, up to a whole batch",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems = [
      OptionProblem.unless("p_easy", pEasy, in: 0.05...0.95), OptionProblem.unless("p_hard", pHard, in: 0.05...0.95),
      OptionProblem.unless("target", target, in: 0...1), OptionProblem.unless("least", least, in: 1e-4...1),
    ].compactMap { $0 }
    if leastFurther < 1 {
      problems.append(OptionProblem("least_further", "is \(leastFurther), it must be at least 1"))
    }
    return problems
  }
}

/// When a visit of a prompt taught nothing.
package enum GRESOJudge: String, Codable, Sendable, CaseIterable {
  /// All rewards are equal: nothing can be compared.
  case variance
  /// The mean reward is near its ends, as in the published program.
  case mean

  enum Verdict { case easy, hard, mixed }

  func verdict(on result: GroupResult, _ options: GRESOOptions) -> Verdict {
    guard let mean = result.mean() else { return .mixed }
    switch self {
    case .variance: return result.isFlat ? (result.rewards[0] >= 0.5 ? .easy : .hard) : .mixed
    case .mean: return mean >= 0.98 ? .easy : mean <= 0.11 ? .hard : .mixed
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension RewardStage {
  /// What to do with a reward that a record already has.
  package enum Existing: String, Codable, Sendable, CaseIterable {
    /// It is replaced.
    case replace
    /// It is kept, and the record is not scored.
    case keep
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var functions: [RewardTerm] = [RewardTerm("boxed-answer")]
    package var existing = Existing.replace
    package var abstained = Abstention.noReward

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "functions": RewardTerm.functionsHelp,
      "existing": "whether rewards that records already have are replaced or kept",
      "abstained": Abstention.help,
    ]

    /// Reward functions are named in `functions`.
    package static let componentKinds: [String: ComponentKind] = ["functions": .reward]

    /// The problems of the values.
    package func problems() -> [OptionProblem] { RewardTerm.problems(in: functions) }
  }
}

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

  /// What programs, judges and servers do while rollouts are being sampled.
  package enum WhileSampling: String, Codable, Sendable, CaseIterable {
    /// They are asked about rollouts that are there.
    case ask
    /// They wait until all are there.
    case wait
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var functions: [RewardTerm] = [RewardTerm("boxed-answer")]
    package var existing = Existing.replace
    package var abstained = Abstention.noReward
    package var whileSampling = WhileSampling.ask

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "functions": RewardTerm.functionsHelp,
      "existing": "whether rewards that records already have are replaced or kept",
      "abstained": Abstention.help,
      "while_sampling":
        "whether programs, judges and servers are asked about a prompt's rollouts while others are still being sampled (ask), or "
        + "when all are there (wait), such as where both want the same processor; rewards are the same",
    ]

    /// Reward functions are named in `functions`.
    package static let componentKinds: [String: ComponentKind] = ["functions": .reward]

    /// The problems of the values.
    package func problems() -> [OptionProblem] { RewardTerm.problems(in: functions) }
  }
}

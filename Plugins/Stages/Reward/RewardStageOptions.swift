// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension RewardStage {
  /// What to do with a reward that a record already has.
  public enum Existing: String, Codable, Sendable, CaseIterable {
    /// It is replaced.
    case replace
    /// It is kept, and the record is not scored.
    case keep
  }

  /// The options.
  public struct Options: ComponentOptions {
    package var functions: [RewardTerm] = [RewardTerm("boxed-answer")]
    package var existing = Existing.replace
    package var abstained = Abstention.noReward

    /// The defaults.
    public init() {}

    /// The help for each option.
    public static let help = [
      "functions": RewardTerm.functionsHelp,
      "existing": "whether rewards that records already have are replaced or kept",
      "abstained": Abstention.help,
    ]

    /// Reward functions are named in `functions`.
    public static let componentKinds: [String: ComponentKind] = ["functions": .reward]

    /// The problems of the values.
    public func problems() -> [OptionProblem] { RewardTerm.problems(in: functions) }
  }
}

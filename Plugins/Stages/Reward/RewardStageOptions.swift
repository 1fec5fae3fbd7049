// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension RewardStage {
  /// What becomes of a reward that a record has already.
  public enum Existing: String, Codable, Sendable, CaseIterable {
    /// It is scored again.
    case replace
    /// It stays, and the record is not scored.
    case keep
  }

  /// What a spec can set.
  public struct Options: ComponentOptions {
    package var functions: [RewardTerm] = [RewardTerm("boxed-answer")]
    package var existing = Existing.replace

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "functions": RewardTerm.functionsHelp,
      "existing": "whether rewards that records carry already are replaced or kept",
    ]

    /// Reward functions are named in `functions`.
    public static let componentKinds: [String: ComponentKind] = ["functions": .reward]

    /// What is wrong with the values.
    public func problems() -> [OptionProblem] { RewardTerm.problems(in: functions) }
  }
}

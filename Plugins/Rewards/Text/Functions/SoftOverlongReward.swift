// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 0 for a response that is short enough, falling to −1 as its length nears the limit, and −1 beyond.
///
/// With length `l`, limit `L` and cache `C`: 0 for `l ≤ L − C`; `(L − C − l) / C` up to `L`; −1 beyond.
///
/// Source: Yu et al., "DAPO" (arXiv 2503.14476), equation 13, soft overlong punishment.
package struct SoftOverlongReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "soft-overlong",
    summary: "0, falling to −1 as the response nears the length limit: DAPO's overlong punishment",
    aliases: ["get_soft_overlong_punishment", "soft_overlong_punishment"])

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var maxLength = 20480
    package var cache = 4096
    package var unit = LengthUnit.tokens

    /// The defaults, those of the paper.
    package init() {}

    /// What each option means.
    package static let help = [
      "max_length": "the length from which on the score is -1",
      "cache": "over how much of the length before it the score falls from 0",
      "unit": "what the length is counted in: tokens, characters or words",
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if maxLength < 1 { problems.append(OptionProblem("max_length", "is \(maxLength), it must be at least 1")) }
      if !(1...max(1, maxLength)).contains(cache) {
        problems.append(OptionProblem("cache", "is \(cache), it must be from 1 to max_length"))
      }
      return problems
    }
  }

  private let options: Options

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// What is counted.
  package var reads: Set<Field> { [options.unit.field] }

  /// Measures the response.
  ///
  /// - Throws: When what is counted is missing, or of another kind.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let over = try options.unit.length(of: trajectory) - (options.maxLength - options.cache)
    return .scored(over <= 0 ? 0 : max(-1, -Double(over) / Double(options.cache)))
  }
}

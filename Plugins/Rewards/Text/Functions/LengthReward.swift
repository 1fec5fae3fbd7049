// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 1 where the response is as long as it should be, less the farther it lies outside, and 0 beyond a margin.
///
/// With length `l`: 1 for `minimum ≤ l ≤ maximum`; outside, `max(0, 1 − distance / margin)`.
package struct LengthReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "length", summary: "1 if the response's length lies in a range, falling to 0 over a margin outside of it")

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var unit = LengthUnit.tokens
    package var minimum = 0
    package var maximum = 1024
    package var margin = 0

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "unit": "what the length is counted in: tokens, characters or words",
      "minimum": "the shortest length that gets 1",
      "maximum": "the longest length that gets 1",
      "margin": "how far outside the score has fallen to 0; with 0 it falls at once",
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if minimum < 0 { problems.append(OptionProblem("minimum", "is \(minimum), it must not be negative")) }
      if maximum < minimum {
        problems.append(OptionProblem("maximum", "is \(maximum), less than the minimum of \(minimum)"))
      }
      if margin < 0 { problems.append(OptionProblem("margin", "is \(margin), it must not be negative")) }
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
    let length = try options.unit.length(of: trajectory)
    let distance = max(options.minimum - length, length - options.maximum, 0)
    if distance == 0 { return .scored(1) }
    return .scored(distance >= options.margin ? 0 : 1 - Double(distance) / Double(options.margin))
  }
}

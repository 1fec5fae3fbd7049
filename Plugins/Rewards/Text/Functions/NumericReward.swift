// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response's number lies within a tolerance of the answer, else 0.
///
/// Numbers may have separators between thousands, decimals, exponents, a percent sign, or be fractions (`3/4`,
/// `\frac{3}{4}`). Of a part that is more than a number, the last number counts: `25 cm`. A response without a
/// number scores 0; an answer that is none makes the reward abstain.
///
/// Close enough is `|found − answer| ≤ max(absolute_tolerance, relative_tolerance · |answer|)`.
public struct NumericReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "numeric", summary: "1 if the response's number lies within a tolerance of the answer, else 0")

  /// What a percent sign means.
  public enum Percent: String, Codable, Sendable, CaseIterable {
    /// Nothing: `50%` is 50.
    case ignore
    /// A division: `50%` is 0.5.
    case hundredths
  }

  /// What a spec can set.
  public struct Options: ComponentOptions {
    package var extract = AnswerExtraction.boxed
    package var absoluteTolerance = 1e-6
    package var relativeTolerance = 1e-4
    package var percent = Percent.ignore

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "extract":
        "the part of the response that holds the number: boxed, answer-tag, last-line or none (all of it)",
      "absolute_tolerance": "the distance from the answer that still counts as equal",
      "relative_tolerance": "the same in proportion to the answer; the larger of the two decides",
      "percent": "ignore reads 50% as 50, hundredths as 0.5",
    ]

    /// What is wrong with the values.
    public func problems() -> [OptionProblem] {
      [("absolute_tolerance", absoluteTolerance), ("relative_tolerance", relativeTolerance)].compactMap {
        $1 >= 0 && $1.isFinite ? nil : OptionProblem($0, "is \($1), it must not be negative")
      }
    }
  }

  /// Both sides of the comparison.
  public let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// Makes the reward.
  public init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the numbers.
  ///
  /// - Throws: When the response or the answer is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = try trajectory.responseText()
    let answer = Array(try trajectory.answerText().utf8)[...]
    guard let expected = number(in: AnswerExtraction.lastBoxed(in: answer) ?? answer) else {
      return .abstained("the answer is no number: '\(answer.prefix(40).text)'")
    }
    guard let found = options.extract.answer(in: response).flatMap(number) else { return .scored(0) }
    let tolerance = max(options.absoluteTolerance, options.relativeTolerance * abs(expected))
    return .scored(abs(found - expected) <= tolerance ? 1 : 0)
  }

  private func number(in text: ArraySlice<UInt8>) -> Double? {
    guard let number = PlainNumber(text) ?? PlainNumber.last(in: text) else { return nil }
    return number.isPercentage && options.percent == .hundredths ? number.value / 100 : number.value
  }
}

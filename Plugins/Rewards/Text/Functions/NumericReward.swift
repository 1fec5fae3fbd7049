// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// 1 where the response's number lies within a tolerance of the answer, else 0.
///
/// Numbers may have separators between thousands, decimals behind a point or a comma, exponents, a percent sign and a unit, and
/// be fractions, mixed numbers, roots, powers or products, also of π: `3/4`, `1 1/2`, `2\sqrt{3}`, `6.02 \times 10^{23}`, `25 cm^2`. By
/// default the number is found as `math-answer` finds answers: in the last box, else the last answer tag, else behind the last "answer
/// is", else it is the last one. Of a part that is more than a number, the last number counts: `about 25 cm`. Several side by side
/// (`2 or 3`), a bound (`> 3`) and an expression with a variable (`5x`) are none.
///
/// A response without a number scores 0, with a part `found` of 0; an answer that is none makes the reward abstain, or is
/// compared as text where `text` says so; of a list of answers any is right.
///
/// Close enough is `|found − answer| ≤ max(absolute_tolerance, relative_tolerance · |answer|)`.
package struct NumericReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "numeric", summary: "1 if the response's number lies within a tolerance of the answer, else 0")

  /// What a percent sign means.
  package enum Percent: String, Codable, Sendable, CaseIterable {
    /// Nothing: `50%` is 50.
    case ignore
    /// A division: `50%` is 0.5.
    case hundredths
  }

  /// What becomes of an answer that is no number.
  package enum Text: String, Codable, Sendable, CaseIterable {
    /// The reward abstains.
    case abstain
    /// It is right where the response's part is the same text, whatever its case.
    case compare
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var extract = AnswerExtraction.automatic
    package var absoluteTolerance = 1e-6
    package var relativeTolerance = 1e-4
    package var percent = Percent.ignore
    package var text = Text.abstain
    package var thought = Thought.counts

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "extract": "the part of the response that holds the number: " + AnswerExtraction.help,
      "absolute_tolerance": "the distance from the answer that still counts as equal",
      "relative_tolerance": "the same in proportion to the answer; the larger of the two decides",
      "percent": "ignore reads 50% as 50, hundredths as 0.5",
      "text": "abstain from an answer that is no number, or compare it as text",
      "thought": Thought.help,
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      [("absolute_tolerance", absoluteTolerance), ("relative_tolerance", relativeTolerance)].compactMap {
        $1 >= 0 && $1.isFinite ? nil : OptionProblem($0, "is \($1), it must not be negative")
      }
    }
  }

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// A number.
  package var sought: [SoughtAnswer] { options.extract.soughtAnswer(of: "number") }

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the numbers.
  ///
  /// - Throws: When the response or the answer is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    let rest = options.thought.rest(of: response)
    let found = rest.map { NumberReading.number(in: $0, options.extract) } ?? .none
    return try .best(of: trajectory.acceptedAnswers()) { answer in
      let text = PlainText.cleaned(AnswerExtraction.lastBoxed(in: answer) ?? answer)
      guard case .one(let value) = NumberReading(text[...]).answer(), options.text == .abstain || value.isWhole else {
        guard options.text == .compare else {
          return .abstained("the answer is no number: '\(answer.prefix(40).text)'")
        }
        guard let part = rest.flatMap(options.extract.answer) else { return .nothingFound }
        return .scored(PlainText.isSame(part, text[...]) ? 1 : 0)
      }
      if found == .none { return .nothingFound }
      guard case .one(let other) = found else { return .scored(0) }
      let expected = number(value)
      let tolerance = max(options.absoluteTolerance, options.relativeTolerance * abs(expected))
      return .scored(abs(number(other) - expected) <= tolerance ? 1 : 0)
    }
  }

  private func number(_ value: NumberReading.Value) -> Double {
    value.isPercentage && options.percent == .hundredths ? value.number / 100 : value.number
  }
}

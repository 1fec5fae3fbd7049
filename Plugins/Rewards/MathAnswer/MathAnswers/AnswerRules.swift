// SPDX-License-Identifier: Apache-2.0

/// How answers are found and compared.
package struct AnswerRules: Sendable, Hashable {
  /// Which part of the response is its answer.
  package enum Extraction: String, Codable, Sendable, CaseIterable {
    /// The last box, else the last answer tag, else what follows "answer is", else the last expression.
    case automatic
    /// What the last `\boxed{…}` holds, with the boxes beside it.
    case boxed
    /// What the last `<answer>…</answer>` holds; without one the whole response, as in Shuffle-R1.
    case answerTag = "answer-tag"
    /// The whole response.
    case none
  }

  /// What a percent sign means.
  package enum Percent: String, Codable, Sendable, CaseIterable {
    /// `50%` is 0.5 and, since the question often asks for a percentage, also 50.
    case either
    /// `50%` is 0.5 only.
    case hundredths
    /// `50%` is 50 only.
    case number
  }

  /// Which values variables have.
  package enum Variables: String, Codable, Sendable, CaseIterable {
    /// Any real number, so that `\sqrt{x^2}` is not `x`.
    case real
    /// Positive numbers, as lengths are.
    case positive
  }

  /// Which part of the response is its answer.
  package var extract = Extraction.automatic
  /// Whether an answer in the model's thoughts counts.
  package var thought = Thought.counts
  /// From how many decimal places on a number counts as rounded; 1 to 15.
  package var decimalPlaces = 6
  /// What a percent sign means.
  package var percent = Percent.either
  /// Which values variables have.
  package var variables = Variables.real

  /// The defaults.
  package init() {}
}

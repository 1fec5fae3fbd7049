// SPDX-License-Identifier: Apache-2.0

/// Rules for finding and comparing answers.
public struct AnswerRules: Sendable, Hashable {
  /// Which part of the response is its answer.
  public enum Extraction: String, Codable, Sendable, CaseIterable {
    /// The last box, else the last answer tag, else what follows "answer is", else the last expression.
    case automatic
    /// The contents of the last `\boxed{…}`, with adjacent boxes.
    case boxed
    /// The contents of the last `<answer>…</answer>`; without one the whole response, as in Shuffle-R1.
    case answerTag = "answer-tag"
    /// The whole response.
    case none
  }

  /// Whether an answer in the model's reasoning counts.
  public enum Thinking: String, Codable, Sendable, CaseIterable {
    /// It counts if none comes later.
    case counts
    /// Only the text after the last `</think>` counts; a response without one has no answer.
    ///
    /// Source: `reasoning_accuracy_reward` of TRL.
    case ignored
  }

  /// The meaning of a percent sign.
  public enum Percent: String, Codable, Sendable, CaseIterable {
    /// `50%` is 0.5 and, since the question often asks for a percentage, also 50.
    case either
    /// `50%` is 0.5 only.
    case hundredths
    /// `50%` is 50 only.
    case number
  }

  /// The values that variables can have.
  public enum Variables: String, Codable, Sendable, CaseIterable {
    /// Any real number, so that `\sqrt{x^2}` is not `x`.
    case real
    /// Positive numbers, as lengths are.
    case positive
  }

  /// Which part of the response is its answer.
  public var extract = Extraction.automatic
  /// Whether an answer in the model's reasoning counts.
  public var thinking = Thinking.counts
  /// The number of decimal places from which a number counts as rounded; 1 to 15.
  public var decimalPlaces = 6
  /// The meaning of a percent sign.
  public var percent = Percent.either
  /// The values that variables can have.
  public var variables = Variables.real

  /// The defaults.
  public init() {}
}

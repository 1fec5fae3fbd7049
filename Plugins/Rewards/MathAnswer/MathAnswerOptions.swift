// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// What a spec can set for ``MathAnswerReward``.
public struct MathAnswerOptions: ComponentOptions {
  /// Which part of the response is its answer.
  public enum Extraction: String, Codable, Sendable, CaseIterable {
    /// The last box, else the last answer tag, else what follows "answer is", else the last expression.
    case automatic
    /// What the last `\boxed{…}` holds, with the boxes beside it.
    case boxed
    /// What the last `<answer>…</answer>` holds; without one the whole response, as in Shuffle-R1.
    case answerTag = "answer-tag"
    /// The whole response.
    case none
  }

  /// Whether an answer in the model's thoughts counts.
  public enum Thinking: String, Codable, Sendable, CaseIterable {
    /// It does, where none comes later.
    case counts
    /// Only what follows the last `</think>` is looked at; a response without one has no answer.
    ///
    /// Source: `reasoning_accuracy_reward` of TRL.
    case ignored
  }

  /// What a percent sign means.
  public enum Percent: String, Codable, Sendable, CaseIterable {
    /// `50%` is 0.5 and, since the question often asks for a percentage, also 50.
    case either
    /// `50%` is 0.5 only.
    case hundredths
    /// `50%` is 50 only.
    case number
  }

  /// Which values variables have.
  public enum Variables: String, Codable, Sendable, CaseIterable {
    /// Any real number, so that `\sqrt{x^2}` is not `x`.
    case real
    /// Positive numbers, as lengths are.
    case positive
  }

  /// What happens when the two cannot be told apart or alike.
  public enum Unknown: String, Codable, Sendable, CaseIterable {
    /// The reward abstains.
    case abstain
    /// The score is 0.
    case zero
  }

  /// Which part of the response is its answer.
  public var extract = Extraction.automatic
  /// Whether an answer in the model's thoughts counts.
  public var thinking = Thinking.counts
  /// From how many decimal places on a number counts as rounded.
  public var decimalPlaces = 6
  /// What a percent sign means.
  public var percent = Percent.either
  /// Which values variables have.
  public var variables = Variables.real
  /// What happens when the comparison cannot tell.
  public var unknown = Unknown.abstain

  /// The defaults.
  public init() {}

  /// What each option means.
  public static let help = [
    "extract":
      "the part of the response that is its answer: automatic (box, then answer tag, then \"answer is\", then the last expression), boxed, answer-tag or none (all of it)",
    "thinking":
      "counts, or ignored: then only what follows the last </think> is looked at, and a response without one scores 0",
    "decimal_places":
      "a number written with at least so many decimals counts as rounded: it equals what is nearer than half a unit of that place",
    "percent": "either: 50% equals 0.5 and 50; hundredths: 0.5 only; number: 50 only",
    "variables": "real, or positive: then sqrt(a^2) equals a",
    "unknown": "abstain, or zero where the comparison cannot tell",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    [OptionProblem.unless("decimal_places", decimalPlaces, in: 1...15)].compactMap { $0 }
  }
}

// SPDX-License-Identifier: Apache-2.0
public import MathAnswers
public import PipelineCore

/// What a spec can set for ``MathAnswerReward``.
public struct MathAnswerOptions: ComponentOptions {
  /// Which part of the response is its answer.
  public typealias Extraction = AnswerRules.Extraction
  /// Whether an answer in the model's thoughts counts.
  public typealias Thinking = AnswerRules.Thinking
  /// What a percent sign means.
  public typealias Percent = AnswerRules.Percent
  /// Which values variables have.
  public typealias Variables = AnswerRules.Variables

  /// What happens when the two cannot be told apart or alike.
  public enum Unknown: String, Codable, Sendable, CaseIterable {
    /// The reward abstains.
    case abstain
    /// The score is 0.
    case zero
  }

  package var extract = Extraction.automatic
  package var thinking = Thinking.counts
  package var decimalPlaces = 6
  package var percent = Percent.either
  package var variables = Variables.real
  package var unknown = Unknown.abstain

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

  /// The same for the library that compares.
  var rules: AnswerRules {
    var rules = AnswerRules()
    rules.extract = extract
    rules.thinking = thinking
    rules.decimalPlaces = decimalPlaces
    rules.percent = percent
    rules.variables = variables
    return rules
  }
}

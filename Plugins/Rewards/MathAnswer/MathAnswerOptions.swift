// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// The options of ``MathAnswerReward``.
package struct MathAnswerOptions: ComponentOptions {
  /// Which part of the response is its answer.
  package typealias Extraction = AnswerRules.Extraction
  /// What a percent sign means.
  package typealias Percent = AnswerRules.Percent
  /// The values that variables can have.
  package typealias Variables = AnswerRules.Variables

  /// What to do if it is undecided whether the two are equal.
  package enum Unknown: String, Codable, Sendable, CaseIterable {
    /// The reward abstains.
    case abstain
    /// The score is 0.
    case zero
  }

  package var extract = Extraction.automatic
  package var thought = Thought.counts
  package var decimalPlaces = 6
  package var percent = Percent.either
  package var variables = Variables.real
  package var unknown = Unknown.abstain

  /// The defaults.
  package init() {}

  /// The help for each option.
  package static let help = [
    "extract":
      "the part of the response that is its answer: automatic (box, then answer tag, then \"answer is\", then the last expression), boxed, answer-tag or none (all of it)",
    "thought": Thought.help,
    "decimal_places":
      "a number written with at least this many decimals counts as rounded: it equals every value within half a unit of that place",
    "percent": "either: 50% equals 0.5 and 50; hundredths: 0.5 only; number: 50 only",
    "variables": "real, or positive: then sqrt(a^2) equals a",
    "unknown": "abstain, or zero where the comparison cannot tell",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    [OptionProblem.unless("decimal_places", decimalPlaces, in: 1...15)].compactMap { $0 }
  }

  /// The same rules for the comparing library.
  var rules: AnswerRules {
    var rules = AnswerRules()
    rules.extract = extract
    rules.thought = thought
    rules.decimalPlaces = decimalPlaces
    rules.percent = percent
    rules.variables = variables
    return rules
  }
}

// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// 1 where the response, or the part of it that is its answer, is the answer character by character, else 0.
///
/// Space at both ends is left out on both sides. A response without the part asked for scores 0, with a part `found` of 0; of a
/// list of answers any is right.
package struct ExactReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "exact", summary: "1 if the response, or the part of it that is its answer, equals the answer, else 0")

  /// Whether `a` and `A` are the same.
  package enum Case: String, Codable, Sendable, CaseIterable {
    /// They differ.
    case sensitive
    /// They are the same.
    case insensitive
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var extract = AnswerExtraction.none
    package var `case` = Case.sensitive
    package var thought = Thought.counts

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "extract": "the part of the response to compare: " + AnswerExtraction.help,
      "case": "sensitive, or insensitive to upper and lower case",
      "thought": Thought.help,
    ]
  }

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// The part that is compared.
  package var sought: [SoughtAnswer] { options.extract.soughtAnswer }

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the two.
  ///
  /// - Throws: When one of them is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    let found = options.thought.rest(of: response).flatMap(options.extract.answer)
    return try .best(of: trajectory.acceptedAnswers()) { answer in
      guard let found else { return .nothingFound }
      let expected = answer.trimmed
      let isEqual =
        options.case == .sensitive ? found == expected : found.text.lowercased() == expected.text.lowercased()
      return .scored(isEqual ? 1 : 0)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// 1 where the response counts right, else 0, or a part of 1 that gets smaller the farther off it is.
///
/// A count is a whole number that is not negative: `12`, `1,200`, `12.0`, or in words: `thirty`, `one hundred and five`, `a dozen`,
/// `三十二`. In a part of the response that says more than a count, the last count is it: `there are 3 circles`. Several side by
/// side, such as `2 or 3`, are none. A response without a number scores 0, with a part `found` of 0; an answer that is no count
/// makes the reward abstain; of a list of answers the best counts.
package struct CountingReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "counting", summary: "1 if the response counts right, else 0, or less the farther off it is")

  /// What a wrong count is worth.
  package enum Partial: String, Codable, Sendable, CaseIterable {
    /// Nothing.
    case none
    /// `max(0, 1 − |found − answer| / max(1, answer))`.
    case relative
  }

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var extract = AnswerExtraction.boxed
    package var partial = Partial.none
    package var thought = Thought.counts

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "extract": "the part of the response that holds the count: " + AnswerExtraction.help,
      "partial": "what a wrong count is worth: none, or relative: 1 less its distance in proportion to the answer",
      "thought": Thought.help,
    ]
  }

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// A number.
  package var sought: [SoughtAnswer] { options.extract.soughtAnswer(of: "count") }

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the counts.
  ///
  /// - Throws: When the response or the answer is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    let found =
      options.thought.rest(of: response).map { NumberReading.number(in: $0, options.extract, words: true) } ?? .none
    return try .best(of: trajectory.acceptedAnswers()) { answer in
      let text = PlainText.cleaned(AnswerExtraction.lastBoxed(in: answer) ?? answer)
      guard let expected = Self.count(NumberReading(text[...], words: true).answer()) else {
        return .abstained("the answer is no count: '\(answer.prefix(40).text)'")
      }
      if found == .none { return .nothingFound }
      guard let count = Self.count(found) else { return .scored(0) }
      if count == expected { return .scored(1) }
      return .scored(options.partial == .none ? 0 : max(0, 1 - abs(count - expected) / max(1, expected)))
    }
  }

  private static func count(_ finding: NumberReading.Finding) -> Double? {
    guard case .one(let value) = finding, value.number >= 0, value.number == value.number.rounded() else { return nil }
    return value.number
  }
}

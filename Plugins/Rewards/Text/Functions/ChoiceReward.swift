// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// 1 where the response chooses the letter of the answer, 0 where it chooses another, none, or several.
///
/// The choice is looked for in this order, and the first place that exists decides: the last `\boxed{…}` within the last
/// `<answer>…</answer>`, or all of that; the last `\boxed{…}`; what the last "the answer is", "I choose", "B is correct", 答案 or
/// their like points at; what follows the last "answer is"; a last line that is a letter; a letter that begins the response; the only
/// letter in parentheses.
///
/// A letter counts that stands alone: `B`, `(B)`, `B.`, `B) 25 cm`, `**B**`, `\text{Option B}`, `选B`. It does not as an article, a
/// pronoun or a variable: `A cat`, `I think`, `B = 5`. Markdown, marks of TeX and full-width characters do not matter.
///
/// Of a response longer than 64 KiB its last 64 KiB are read.
///
/// A place that names several options, such as `(A) or (B)`, or denies the one it names, such as `not B` or `(B) is wrong`,
/// chooses none: it scores 0. One that names no option at all scores 0 too, with a part `found` of 0. An answer that is no such
/// letter makes the reward abstain; of a list of answers any is right.
package struct ChoiceReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "choice", summary: "1 if the response chooses the answer's letter, else 0")

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var letters = "ABCDEFGHIJ"
    package var thought = Thought.counts

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = [
      "letters": "the letters that are choices, upper case; responses may use either case",
      "thought": Thought.help,
    ]

    /// What is wrong with the values.
    package func problems() -> [OptionProblem] {
      !letters.isEmpty && letters.utf8.allSatisfy { (0x41...0x5A).contains($0) }
        ? [] : [OptionProblem("letters", "is '\(letters)', it must be upper-case letters such as 'ABCD'")]
    }
  }

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  /// A letter.
  package let sought = [SoughtAnswer("letter of a choice")]
  private let letters: Set<UInt8>
  private let thought: Thought

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) {
    letters = Set(options.letters.utf8)
    thought = options.thought
  }

  /// Compares the letters.
  ///
  /// - Throws: When the response or the answer is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    // What is chosen is said near the end; a longer text would take long.
    let found = thought.rest(of: response).map { choice(in: $0.suffix(1 << 16)) } ?? .none
    return try .best(of: trajectory.acceptedAnswers()) { answer in
      let text = PlainText.cleaned(AnswerExtraction.lastBoxed(in: answer) ?? answer)
      guard case .one(let expected) = ChoiceReading(text[...], letters: letters).expected() else {
        return .abstained("the answer is no letter of a choice: '\(answer.prefix(40).text)'")
      }
      return found == .none ? .nothingFound : .scored(found == .one(expected) ? 1 : 0)
    }
  }

  /// What a response chooses.
  private func choice(in response: ArraySlice<UInt8>) -> ChoiceReading.Finding {
    guard let places = AnswerExtraction.places(in: response) else {
      return ChoiceReading(PlainText.cleaned(response)[...], letters: letters).response()
    }
    let choices = places.map { ChoiceReading(PlainText.cleaned($0)[...], letters: letters).answer() }
    let named = choices.filter { $0 != .none }
    guard let first = named.first else { return .none }
    return named.allSatisfy { $0 == first } ? first : .unclear
  }
}

// SPDX-License-Identifier: Apache-2.0
package import MathAnswers
package import PipelineCore

/// 1 where the response's last `\boxed{…}` is the answer, 0 where it is another or there is none.
///
/// Both sides are compared without what changes only their looks: space, `$`, `\text{…}`, `\left` and `\right`,
/// `\dfrac`, separators between thousands, degree and percent signs, a full stop at the end. Plain decimals and
/// fractions are compared as numbers, single letters whatever their case. An answer that itself is boxed counts
/// as what its box holds; of a list of answers any is right. Space between digits stays: `2 3` is not `23`, `1 1/2` is `1.5`.
///
/// A response without a box scores 0, with a part `found` of 0.
///
/// Source: Shuffle-R1's accuracy reward.
package struct BoxedAnswerReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "boxed-answer", summary: "1 if the last \\boxed{…} of the response equals the answer, else 0")

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var thought = Thought.counts

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = ["thought": Thought.help]
  }

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  /// A box.
  package let sought = [SoughtAnswer(#"\boxed{…}"#)]
  private let options: Options

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the two.
  ///
  /// - Throws: When one of them is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = Array(try trajectory.responseText().utf8)[...]
    let boxed = options.thought.rest(of: response).flatMap(AnswerExtraction.lastBoxed).map(AnswerText.init)
    return try .best(of: trajectory.acceptedAnswers()) { answer in
      let expected = AnswerText(AnswerExtraction.lastBoxed(in: answer) ?? answer)
      if expected.bytes.isEmpty { return .abstained("the answer is empty") }
      guard let boxed else { return .nothingFound }
      return .scored(boxed.equals(expected) ? 1 : 0)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response's last `\boxed{…}` is the answer, 0 where it is another or there is none.
///
/// Both sides are compared without what changes only their looks: space, `$`, `\text{…}`, `\left` and `\right`,
/// `\dfrac`, separators between thousands, degree and percent signs, a full stop at the end. Plain decimals and
/// fractions are compared as numbers, single letters whatever their case. An answer that itself is boxed counts
/// as what its box holds.
///
/// Source: Shuffle-R1's accuracy reward.
public struct BoxedAnswerReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "boxed-answer", summary: "1 if the last \\boxed{…} of the response equals the answer, else 0")

  /// Both sides of the comparison.
  public let reads: Set<Field> = [.response, .answer]

  /// Makes the reward; it has nothing to set.
  public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// Compares the two.
  ///
  /// - Throws: When one of them is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = try trajectory.responseText()
    let answer = Array(try trajectory.answerText().utf8)[...]
    let expected = AnswerText(AnswerExtraction.lastBoxed(in: answer) ?? answer)
    if expected.bytes.isEmpty { return .abstained("the answer is empty") }
    guard let boxed = AnswerExtraction.boxed.answer(in: response) else { return .scored(0) }
    return .scored(AnswerText(boxed).equals(expected) ? 1 : 0)
  }
}

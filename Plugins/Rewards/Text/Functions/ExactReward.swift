// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response, or the part of it that is its answer, is the answer character by character, else 0.
///
/// Space at both ends is left out on both sides. A response without the part asked for scores 0.
public struct ExactReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "exact", summary: "1 if the response, or the part of it that is its answer, equals the answer, else 0")

  /// Whether `a` and `A` are the same.
  public enum Case: String, Codable, Sendable, CaseIterable {
    /// They differ.
    case sensitive
    /// They are the same.
    case insensitive
  }

  /// What a spec can set.
  public struct Options: ComponentOptions {
    package var extract = AnswerExtraction.none
    /// Whether case matters.
    public var `case` = Case.sensitive

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "extract": "the part of the response to compare: none (all of it), boxed, answer-tag or last-line",
      "case": "sensitive, or insensitive to upper and lower case",
    ]
  }

  /// Both sides of the comparison.
  public let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// Makes the reward.
  public init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the two.
  ///
  /// - Throws: When one of them is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = try trajectory.responseText()
    let expected = Array(try trajectory.answerText().utf8)[...].trimmed
    guard let found = options.extract.answer(in: response) else { return .scored(0) }
    let isEqual =
      options.case == .sensitive
      ? found == expected : found.text.lowercased() == expected.text.lowercased()
    return .scored(isEqual ? 1 : 0)
  }
}

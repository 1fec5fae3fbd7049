// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response counts right, else 0, or a part of 1 that gets smaller the farther off it is.
///
/// A count is a whole number that is not negative: `12`, `1,200`, `12.0`, or a word from `zero` to `twenty`. In a part of
/// the response that says more than a count, the last count is it: `there are 3 circles`. A response without a count
/// scores 0; an answer that is none makes the reward abstain.
public struct CountingReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "counting", summary: "1 if the response counts right, else 0, or less the farther off it is")

  /// What a wrong count is worth.
  public enum Partial: String, Codable, Sendable, CaseIterable {
    /// Nothing.
    case none
    /// `max(0, 1 − |found − answer| / max(1, answer))`.
    case relative
  }

  /// What a spec can set.
  public struct Options: ComponentOptions {
    package var extract = AnswerExtraction.boxed
    package var partial = Partial.none

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "extract": "the part of the response that holds the count: boxed, answer-tag, last-line or none (all of it)",
      "partial": "what a wrong count is worth: none, or relative: 1 less its distance in proportion to the answer",
    ]
  }

  /// Both sides of the comparison.
  public let reads: Set<Field> = [.response, .answer]
  private let options: Options

  /// Makes the reward.
  public init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Compares the counts.
  ///
  /// - Throws: When the response or the answer is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let response = try trajectory.responseText()
    let answer = Array(try trajectory.answerText().utf8)[...]
    guard let expected = Self.count(in: AnswerExtraction.lastBoxed(in: answer) ?? answer) else {
      return .abstained("the answer is no count: '\(answer.prefix(40).text)'")
    }
    guard let found = options.extract.answer(in: response).flatMap(Self.count) else { return .scored(0) }
    if found == expected { return .scored(1) }
    return .scored(options.partial == .none ? 0 : max(0, 1 - abs(found - expected) / max(1, expected)))
  }

  private static let words = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
  ]

  /// The last count of a text.
  private static func count(in text: ArraySlice<UInt8>) -> Double? {
    let number = PlainNumber.last(in: text)
    // A word counts only where no digits do: in `circle one: 3`, 3.
    if let value = number?.value { return value >= 0 && value == value.rounded() ? value : nil }
    let named = text.split { !$0.isLetter }.last { $0.count <= 9 && words.contains($0.text.lowercased()) }
    return named.flatMap { words.firstIndex(of: $0.text.lowercased()) }.map(Double.init)
  }
}

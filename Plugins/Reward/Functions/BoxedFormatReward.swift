// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// 1 where the whole response has the form it was asked for, else 0.
///
/// The forms are Shuffle-R1's regular expressions, where the dot matches line ends and the whole response must
/// match: it starts with `<think>`, without space before it, and `answer-tag` ends with `</answer>`. Found by
/// searching, in time linear in the length of the response.
public struct FormatReward: RewardFunction {
  /// `format`.
  public static let name = "format"
  /// What `describe` says.
  public static let summary =
    "1 if the whole response thinks in <think> and then answers in the form asked for"

  /// The forms.
  public enum Style: String, Codable, Sendable, CaseIterable {
    /// `<think>.*</think>.*\boxed{.*}.*`
    case boxed
    /// `<think>.*</think>\s*<answer>.*</answer>`
    case answerTag = "answer-tag"
  }

  /// What a spec can set.
  public struct Options: ComponentOptions {
    /// The form.
    public var style = Style.boxed

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = [
      "style": "boxed: <think>…</think>…\\boxed{…}…; answer-tag: <think>…</think> <answer>…</answer>"
    ]
  }

  /// The response.
  public let reads: Set<Field> = [.response]
  private let style: Style

  /// Makes the reward.
  public init(options: Options = Options(), assembly: Assembly) { style = options.style }

  /// Looks at the response's form.
  ///
  /// - Throws: When it is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let text = Array(try trajectory.responseText().utf8)[...]
    let matches = style == .boxed ? Self.isBoxed(text) : Self.isTagged(text)
    return .scored(matches ? 1 : 0)
  }

  private static func isBoxed(_ text: ArraySlice<UInt8>) -> Bool {
    guard text.holds("<think>", at: text.startIndex), let think = text.first("</think>", from: 7),
      let box = text.first("\\boxed{", from: think + 8)
    else { return false }
    return text[(box + 7)...].contains(UInt8(ascii: "}"))
  }

  private static func isTagged(_ text: ArraySlice<UInt8>) -> Bool {
    let end = text.endIndex - 9
    guard text.holds("<think>", at: text.startIndex), end >= 0, text.holds("</answer>", at: end) else {
      return false
    }
    var position = 7
    while let think = text.first("</think>", from: position) {
      let answer = text.skippingSpace(from: think + 8)
      if text.holds("<answer>", at: answer), answer + 8 <= end { return true }
      position = answer
    }
    return false
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 1 where the whole response is `<think>.*</think>\s*<answer>.*</answer>`, else 0.
///
/// The dot matches line ends; nothing, not even space, stands before `<think>` or behind `</answer>`. Found by searching,
/// in time linear in the length of the response.
///
/// Source: Shuffle-R1's second format reward, which is EasyR1's for R1-V.
package struct AnswerTagFormatReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "answer-tag-format", summary: "1 if the whole response is <think>…</think> <answer>…</answer>, else 0",
    aliases: ["r1v_format_reward"], elsewhere: ["r1v"])

  /// The response.
  package let reads: Set<Field> = [.response]

  /// What a spec can set.
  package struct Options: ComponentOptions {
    package var spacesInTags = TagSpace.refused

    /// The defaults.
    package init() {}

    /// What each option means.
    package static let help = ["spaces_in_tags": TagSpace.help]
  }

  private let options: Options

  /// Makes the reward.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Looks at the response's form.
  ///
  /// - Throws: When it is missing or no text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    .scored(Self.isTagged(options.spacesInTags.tags(of: try trajectory.responseText())) ? 1 : 0)
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

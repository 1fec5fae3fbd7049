// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 1 where the response thinks once, first, and to the end: `<think>`, no second `<think>` anywhere, and `</think>`.
///
/// What follows is free. Nothing, not even space, stands before `<think>`.
///
/// Source: TRL's `think_format_reward`.
package struct ThinkFormatReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "think-format", summary: "1 if the response begins with its only <think> and closes it, else 0",
    aliases: ["think_format_reward"])

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
    let text = options.spacesInTags.tags(of: try trajectory.responseText())
    let thinks =
      text.holds("<think>", at: text.startIndex) && text.first("<think>", from: 7) == nil
      && text.first("</think>", from: 7) != nil
    return .scored(thinks ? 1 : 0)
  }
}

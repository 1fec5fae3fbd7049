// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response thinks once, first, and to the end: `<think>`, no second `<think>` anywhere, and `</think>`.
///
/// What follows is free. Nothing, not even space, stands before `<think>`.
///
/// Source: TRL's `think_format_reward`.
public struct ThinkFormatReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "think-format", summary: "1 if the response begins with its only <think> and closes it, else 0",
    aliases: ["think_format_reward"])

  /// The response.
  public let reads: Set<Field> = [.response]

  /// Makes the reward; it has nothing to set.
  public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// Looks at the response's form.
  ///
  /// - Throws: When it is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    let text = Array(try trajectory.responseText().utf8)[...]
    let thinks =
      text.holds("<think>", at: text.startIndex) && text.first("<think>", from: 7) == nil
      && text.first("</think>", from: 7) != nil
    return .scored(thinks ? 1 : 0)
  }
}

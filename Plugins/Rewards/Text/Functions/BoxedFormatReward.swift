// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// 1 where the whole response is `<think>.*</think>.*\boxed{.*}.*`, else 0.
///
/// The dot matches line ends; nothing, not even space, stands before `<think>`. Found by searching, in time linear in the
/// length of the response.
///
/// Source: Shuffle-R1's format reward for mathematics, which is EasyR1's.
package struct BoxedFormatReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "boxed-format", summary: "1 if the whole response is <think>…</think>…\\boxed{…}…, else 0",
    aliases: ["format", "math_format_reward"])

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
    guard text.holds("<think>", at: text.startIndex), let think = text.first("</think>", from: 7),
      let box = text.first("\\boxed{", from: think + 8)
    else { return .scored(0) }
    return .scored(text[(box + 7)...].contains(UInt8(ascii: "}")) ? 1 : 0)
  }
}

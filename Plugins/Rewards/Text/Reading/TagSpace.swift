// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What space beside the marks of tags means for a format, as in `< think >`.
package enum TagSpace: String, Codable, Sendable, CaseIterable {
  /// Such tags are none.
  case refused
  /// They are: space on either side of `<`, `>` and `/` is left out before the format is looked at, as EasyR1 does.
  case ignored

  /// What the option means.
  static let help =
    "whether < think > counts as <think>: refused, or ignored, which leaves out space beside <, > and / as EasyR1 does"

  /// The response as the format is looked for in.
  func tags(of response: String) -> ArraySlice<UInt8> {
    let text = Array(response.utf8)[...]
    return self == .refused ? text : Tag.tightened(text)[...]
  }
}

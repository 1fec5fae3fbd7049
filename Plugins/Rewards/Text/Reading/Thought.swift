// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What becomes of what stands in `<think>…</think>` where an answer is looked for.
package enum Thought: String, Codable, Sendable, CaseIterable {
  /// An answer in it counts like any other.
  case counts
  /// Only what follows the last `</think>` is looked at; where a `<think>` is never closed, nothing.
  case ignored
  /// The same, and a response without `</think>` holds no answer: TRL's `reasoning_accuracy_reward`.
  case required

  /// What the option means.
  static let help =
    "whether an answer in <think>…</think> counts: counts, ignored, or required, where a response without </think> holds no "
    + "answer at all"

  /// The part of a response that is looked at; nil for none.
  func rest(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    if self == .counts { return text }
    if let close = Tag.last("think", .closing, in: text) {
      let rest = text[close.upperBound...]
      return self == .ignored && Tag.last("think", .opening, in: rest) != nil ? nil : rest
    }
    return self == .required || Tag.last("think", .opening, in: text) != nil ? nil : text
  }
}

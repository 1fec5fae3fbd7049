// SPDX-License-Identifier: Apache-2.0

/// What becomes of what stands in `<think>…</think>` where an answer is looked for.
package enum Thought: String, Codable, Sendable, CaseIterable {
  /// An answer in it counts like any other.
  case counts
  /// Only what follows the last `</think>` is looked at; where a `<think>` is never closed, nothing.
  case ignored
  /// The same, and a response without `</think>` holds no answer: TRL's `reasoning_accuracy_reward`.
  case required

  /// What the option means.
  package static let help =
    "whether an answer in <think>…</think> counts: counts, ignored, or required, where a response without </think> holds no "
    + "answer at all"

  /// The part of a response that is looked at; nil for none.
  package func rest(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    if self == .counts { return text }
    if let close = Tags.last("think", closes: true, in: text) {
      let rest = text[close.upperBound...]
      return self == .ignored && Tags.last("think", closes: false, in: rest) != nil ? nil : rest
    }
    return self == .required || Tags.last("think", closes: false, in: text) != nil ? nil : text
  }
}

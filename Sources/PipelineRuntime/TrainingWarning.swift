// SPDX-License-Identifier: Apache-2.0

/// Something that a person who trains would want to know at once, and what to do about it.
package struct TrainingWarning: Sendable, Hashable {
  /// Which warning, in kebab-case; each comes at most once a run.
  package let code: String
  /// The step in which it came up.
  package let step: Int
  /// What has been seen: a sentence without its full stop.
  package let message: String
  /// What to look at or to change.
  package let advice: String
}

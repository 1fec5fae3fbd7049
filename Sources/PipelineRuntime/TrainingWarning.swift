// SPDX-License-Identifier: Apache-2.0

/// Something that a person who trains would want to know at once, and what to do about it.
public struct TrainingWarning: Sendable, Hashable {
  /// Which warning, in kebab-case; each comes at most once a run.
  public let code: String
  /// The step in which it came up.
  public let step: Int
  /// What has been seen: a sentence without its full stop.
  public let message: String
  /// What to look at or to change.
  public let advice: String
}

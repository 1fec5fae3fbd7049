// SPDX-License-Identifier: Apache-2.0

/// What it means for a sum of rewards that one of its functions abstains.
public enum Abstention: String, Codable, Sendable, CaseIterable {
  /// There is no sum: the trajectory has no reward.
  case noReward = "no-reward"
  /// The sum is that of the others, as TRL has it for None and NaN; only where all abstain there is none.
  case leftOut = "left-out"

  /// What the option means.
  package static let help =
    "what a function that abstains means for the sum: no-reward, or left-out, as TRL has it for None and NaN: the others are "
    + "added up"
}

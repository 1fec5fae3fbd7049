// SPDX-License-Identifier: Apache-2.0

/// Tells a table's columns of rewards from its other numbers.
///
/// TRL and ms-swift name a column after each reward function, and put the data set's own columns among them. Where some
/// column's name says that it is a reward, only such columns are; where none does, all numbers are.
enum RewardColumns {
  private static let words = ["reward", "score", "penalty", "punishment", "accuracy", "correct", "format"]

  /// Whether a column is a part of the reward, for the numeric columns of one row.
  static func choice(among names: [String], _ options: ImportOptions) -> (String) -> Bool {
    if !options.rewardColumns.isEmpty { return { options.rewardColumns.contains($0) } }
    if !options.rewardWeights.isEmpty { return { options.rewardWeights[$0] != nil } }
    let isNamed = names.contains(where: isReward)
    return { !isNamed || isReward($0) }
  }

  private static func isReward(_ name: String) -> Bool {
    let name = name.lowercased()
    return words.contains { name.contains($0) }
  }
}

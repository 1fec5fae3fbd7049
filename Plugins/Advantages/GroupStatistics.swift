// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Mean and spread of the rewards of a group, reduced in double precision.
struct GroupStatistics {
  /// Whether all rewards are equal; their advantages are then exactly 0, not a rounding error.
  let isConstant: Bool
  /// The mean.
  let mean: Double
  /// The standard deviation with n − 1 in the denominator; 0 for a single reward.
  let standardDeviation: Double

  /// Describes the rewards of a group, at least one.
  init(_ rewards: [Double]) {
    isConstant = rewards.allSatisfy { $0 == rewards[0] }
    let mean = rewards.reduce(0, +) / Double(rewards.count)
    let squares = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    standardDeviation = rewards.count < 2 ? 0 : (squares / Double(rewards.count - 1)).squareRoot()
  }
}

extension [[ScoredRollout]] {
  /// An advantage for each rollout from its group's rewards; 0 for all of a group whose rewards are equal.
  func advantagesWithinGroups(
    _ advantages: ([Double], GroupStatistics) -> [Double]
  ) -> [[RolloutAdvantage]] {
    map { group in
      let rewards = group.map(\.reward)
      let statistics = GroupStatistics(rewards)
      // Differs from Shuffle-R1: equal rewards give exactly 0; there the rounding error of the mean, divided by 1e-6,
      // can leak.
      if statistics.isConstant { return group.map { _ in .uniform(0) } }
      return advantages(rewards, statistics).map { .uniform($0) }
    }
  }
}

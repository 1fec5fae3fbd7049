// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A reward function and its part of the sum.
struct WeightedReward: Sendable {
  let name: String
  let weight: Double
  let reward: any RewardFunction

  /// Makes the functions of a sum.
  ///
  /// - Throws: What is wrong with any of them.
  static func all(_ functions: [RewardStage.Function], _ assembly: Assembly) throws -> [WeightedReward] {
    try PipelineErrors.gather(functions) { function in
      WeightedReward(
        name: function.partName, weight: function.weight, reward: try assembly.reward(function.reference))
    }
  }
}

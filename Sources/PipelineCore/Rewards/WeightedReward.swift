// SPDX-License-Identifier: Apache-2.0

/// A reward function and its weight in the sum.
package struct WeightedReward: Sendable {
  package let name: String
  package let weight: Double
  package let reward: any RewardFunction

  /// Makes the functions of a sum.
  ///
  /// - Throws: Errors of any of them.
  package static func all(_ functions: [RewardTerm], _ assembly: Assembly) throws -> [WeightedReward] {
    try PipelineErrors.gather(functions) { function in
      WeightedReward(
        name: function.partName, weight: function.weight, reward: try assembly.reward(function.reference))
    }
  }
}

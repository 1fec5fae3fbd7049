// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A reward function and its part of the sum.
struct WeightedReward: Sendable {
  let name: String
  let weight: Double
  let reward: any RewardFunction
  private let reads: [Field]

  init(name: String, weight: Double, reward: any RewardFunction) {
    self.name = name
    self.weight = weight
    self.reward = reward
    self.reads = reward.reads.sorted { $0.rawValue < $1.rawValue }
  }

  /// Makes the functions of a sum.
  ///
  /// - Throws: What is wrong with any of them.
  static func all(_ functions: [RewardStage.Function], _ assembly: Assembly) throws -> [WeightedReward] {
    try PipelineErrors.gather(functions) { function in
      WeightedReward(
        name: function.partName, weight: function.weight, reward: try assembly.reward(function.reference))
    }
  }

  /// What a function made of a trajectory.
  enum Verdict: Sendable {
    case scored(Double, [RewardPart])
    case unscored(RewardStatus, reason: String)
  }

  /// Judges a trajectory; throws only when the run is cancelled.
  func judge(_ trajectory: Trajectory) async throws -> Verdict {
    for field in reads where !trajectory.has(field) {
      return .unscored(.failed, reason: "has no '\(field)'")
    }
    do {
      switch try await reward.score(trajectory) {
      case .scored(let score, let parts):
        guard score.isFinite, parts.allSatisfy(\.score.isFinite) else {
          return .unscored(.failed, reason: "scored \(score), or a part of it, which is not finite")
        }
        return .scored(score, parts)
      case .abstained(let reason): return .unscored(.abstained, reason: reason)
      }
    } catch let error as CancellationError {
      throw error
    } catch let fault as RewardFault {
      return .unscored(fault.status, reason: fault.description)
    } catch let timeout as RewardTimeout {
      return .unscored(.timedOut, reason: timeout.description)
    } catch {
      return .unscored(.failed, reason: "\(error)")
    }
  }
}

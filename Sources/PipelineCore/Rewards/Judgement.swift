// SPDX-License-Identifier: Apache-2.0

/// The combined result of all reward functions for a trajectory.
package struct Judgement: Sendable {
  /// A function that gave no score.
  package struct Gap: Sendable {
    package let function: Int
    package let status: RewardStatus
    package let reason: String
  }

  package private(set) var parts: [RewardPart] = []
  package private(set) var gaps: [Gap] = []
  package private(set) var status = RewardStatus.scored
  private var sum = 0.0

  /// Empty at first.
  package init() {}

  /// The weighted sum, if every function with a weight has scored.
  package var reward: Double? { status == .scored ? sum : nil }

  package mutating func add(_ verdict: RewardVerdict, of function: WeightedReward, index: Int) {
    switch verdict {
    case .scored(let score, let own):
      sum += function.weight * score
      parts.append(RewardPart(function.name, score))
      parts += own.map { RewardPart("\(function.name)/\($0.name)", $0.score) }
      if !sum.isFinite { status = .failed }
    case .unscored(let status, let reason):
      gaps.append(Gap(function: index, status: status, reason: reason))
      if function.weight != 0, Self.severity(status) > Self.severity(self.status) { self.status = status }
    }
  }

  private static func severity(_ status: RewardStatus) -> Int {
    switch status {
    case .scored: 0
    case .abstained: 1
    case .timedOut: 2
    case .failed: 3
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What all functions together made of a trajectory.
struct Judgement: Sendable {
  /// A function that did not score.
  struct Gap: Sendable {
    let function: Int
    let status: RewardStatus
    let reason: String
  }

  private(set) var parts: [RewardPart] = []
  private(set) var gaps: [Gap] = []
  private(set) var status = RewardStatus.scored
  private var sum = 0.0

  /// The weighted sum, where every function that counts has scored.
  var reward: Double? { status == .scored ? sum : nil }

  mutating func add(_ verdict: RewardVerdict, of function: WeightedReward, index: Int) {
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

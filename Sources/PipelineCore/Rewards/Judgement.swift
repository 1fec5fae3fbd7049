// SPDX-License-Identifier: Apache-2.0

/// The combined result of all reward functions for a trajectory.
package struct Judgement: Sendable {
  /// A function that gave no score.
  package struct Gap: Sendable {
    package let function: Int
    package let status: RewardStatus
    package let reason: String
    /// Whether the function has a weight.
    package let counts: Bool
  }

  package private(set) var parts: [RewardPart] = []
  package private(set) var gaps: [Gap] = []
  private var worst = RewardStatus.scored
  private var sum = 0.0
  private var hasScored = false
  private var hasAbstained = false
  private let abstention: Abstention

  /// Nothing yet.
  package init(abstention: Abstention = .noReward) { self.abstention = abstention }

  /// What became of the sum.
  package var status: RewardStatus { worst == .scored && hasAbstained && !hasScored ? .abstained : worst }

  /// Why there is no sum because a function failed or was too late: its name and what it said; nil where none did.
  package func failure(_ names: [String]) -> String? {
    guard status == .failed || status == .timedOut else { return nil }
    guard let gap = gaps.first(where: { $0.counts && $0.status == status }) else { return "the sum is not finite" }
    return "'\(names[gap.function])': \(gap.reason)"
  }

  /// The weighted sum, if every function with a weight has scored.
  package var reward: Double? { status == .scored ? sum : nil }

  package mutating func add(_ verdict: RewardVerdict, of function: WeightedReward, index: Int) {
    switch verdict {
    case .scored(let score, let own):
      sum += function.weight * score
      if function.weight != 0 { hasScored = true }
      parts.append(RewardPart(function.name, score))
      parts += own.map { RewardPart("\(function.name)/\($0.name)", $0.score) }
      if !sum.isFinite { worst = .failed }
    case .unscored(let status, let reason):
      gaps.append(Gap(function: index, status: status, reason: reason, counts: function.weight != 0))
      if function.weight == 0 { return }
      if status == .abstained, abstention == .leftOut {
        hasAbstained = true
      } else if Self.severity(status) > Self.severity(worst) {
        worst = status
      }
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

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How a reward function does on cases whose verdicts are known.
public struct RewardCheck: Sendable {
  /// The ways of being wrong, the worst first.
  public enum Fault: String, Sendable, CaseIterable {
    /// It scored more than it should have.
    case falsePositive = "false positive"
    /// It scored less than it should have.
    case falseNegative = "false negative"
    /// It gave no score where one was expected.
    case notScored = "not scored"
    /// It gave a score, or another reason for none, where none was expected.
    case otherwise = "other status"
  }

  /// A case that went wrong.
  public struct Mismatch: Sendable {
    /// The case.
    public let `case`: RewardCase
    /// What the reward function said.
    public let verdict: RewardVerdict
    /// How it is wrong.
    public let fault: Fault
  }

  /// The reward function's name.
  public let name: String
  /// The cases' file.
  public let file: String
  /// How many cases there are.
  public let count: Int
  /// Those that went wrong, in their order.
  public let mismatches: [Mismatch]

  /// Judges every case.
  ///
  /// - Parameters:
  ///   - tolerance: How far a score may lie from what is expected.
  ///   - context: Says how many threads may work.
  /// - Throws: When there are no cases, and when judging is cancelled.
  public init(
    _ reward: any RewardFunction, named name: String, cases: [RewardCase], file: String, tolerance: Double,
    in context: StageContext
  ) async throws {
    guard !cases.isEmpty else {
      throw PipelineError(
        .invalidData,
        "\(file) holds no cases; a case is a line such as {\"response\": …, \"answer\": …, \"expected\": 1}")
    }
    let verdicts = try await reward.verdicts(on: cases.map(\.trajectory), in: context)
    self.name = name
    self.file = file
    count = cases.count
    mismatches = zip(cases, verdicts).compactMap { item, verdict in
      Self.fault(verdict, item.expectation, tolerance).map { Mismatch(case: item, verdict: verdict, fault: $0) }
    }
  }

  private static func fault(
    _ verdict: RewardVerdict, _ expectation: RewardCase.Expectation, _ tolerance: Double
  ) -> Fault? {
    switch (expectation, verdict) {
    case (.score(let expected), .scored(let score, _)):
      abs(score - expected) <= tolerance ? nil : score > expected ? .falsePositive : .falseNegative
    case (.score, .unscored): .notScored
    case (.status(let expected), _): verdict.status == expected ? nil : .otherwise
    }
  }
}

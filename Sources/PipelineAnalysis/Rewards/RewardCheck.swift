// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The result of a reward function on cases whose verdicts are known.
package struct RewardCheck: Sendable {
  /// The kinds of mistakes, the worst first.
  package enum Fault: String, Sendable, CaseIterable {
    /// It scored more than expected.
    case falsePositive = "false positive"
    /// It scored less than expected.
    case falseNegative = "false negative"
    /// It gave no score although one was expected.
    case notScored = "not scored"
    /// It gave a score, or another reason for none, although none was expected.
    case otherwise = "other status"
  }

  /// A case with a wrong verdict.
  package struct Mismatch: Sendable {
    /// The case.
    package let `case`: RewardCase
    /// The verdict of the reward function.
    package let verdict: RewardVerdict
    /// How it is wrong.
    package let fault: Fault
  }

  /// The reward function's name.
  package let name: String
  /// The cases' file.
  package let file: String
  /// How many cases there are.
  package let count: Int
  /// The cases with a wrong verdict, in order.
  package let mismatches: [Mismatch]

  /// Scores every case.
  ///
  /// - Parameters:
  ///   - tolerance: How far a score may be from the expected one.
  ///   - context: Determines the number of threads.
  /// - Throws: When there are no cases, and when judging is cancelled.
  package init(
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

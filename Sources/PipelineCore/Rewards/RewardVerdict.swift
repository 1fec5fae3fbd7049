// SPDX-License-Identifier: Apache-2.0

/// The result of a reward function for a trajectory: a score, or the reason why there is none.
public enum RewardVerdict: Sendable, Hashable {
  /// A finite score, with its parts.
  case scored(Double, parts: [RewardPart] = [])
  /// No score: the function abstained, failed or was too late.
  case unscored(RewardStatus, reason: String)

  /// The status, in one word.
  public var status: RewardStatus {
    switch self {
    case .scored: .scored
    case .unscored(let status, _): status
    }
  }

  /// The score, if there is one.
  public var score: Double? { if case .scored(let score, _) = self { score } else { nil } }

  /// The verdict on a trajectory that lacks a field; nil if it has all.
  init?(gapIn trajectory: Trajectory, _ reads: [Field]) {
    guard let missing = reads.first(where: { !trajectory.has($0) }) else { return nil }
    self = .unscored(.failed, reason: "has no '\(missing)'")
  }

  /// Converts an outcome; a score that is not finite is a failure.
  init(_ outcome: RewardOutcome) {
    switch outcome {
    case .abstained(let reason): self = .unscored(.abstained, reason: reason)
    case .scored(let score, let parts):
      self =
        score.isFinite && parts.allSatisfy(\.score.isFinite)
        ? .scored(score, parts: parts)
        : .unscored(.failed, reason: "scored \(score), or a part of it, which is not finite")
    }
  }

  /// Converts an error of a reward function.
  ///
  /// - Throws: The error itself if it means that the run is cancelled.
  init(_ error: any Error) throws {
    switch error {
    case is CancellationError: throw error
    case let timeout as RewardTimeout: self = .unscored(.timedOut, reason: timeout.description)
    default: self = .unscored(.failed, reason: "\(error)")
    }
  }
}

extension RewardFunction {
  /// Scores trajectories, in order; one that lacks a field that the function reads has failed.
  ///
  /// - Throws: When the run is cancelled, or the function cannot continue.
  public func verdicts(on trajectories: [Trajectory], in context: StageContext) async throws -> [RewardVerdict] {
    if let together = self as? any BatchRewardFunction {
      let verdicts = try await together.verdictsTogether(on: trajectories, in: context)
      for remark in await together.remarks() { context.report.warn(Self.name, remark) }
      return verdicts
    }
    let reads = reads.inOrder
    return try await context.concurrentMap(count: trajectories.count) { index in
      let trajectory = trajectories[index]
      if let gap = RewardVerdict(gapIn: trajectory, reads) { return gap }
      do { return RewardVerdict(try await score(trajectory)) } catch { return try RewardVerdict(error) }
    }
  }

  /// Scores one trajectory; see ``verdicts(on:in:)``.
  public func verdict(on trajectory: Trajectory, in context: StageContext) async throws -> RewardVerdict {
    try await verdicts(on: [trajectory], in: context)[0]
  }
}

extension BatchRewardFunction {
  /// Scores trajectories, as ``verdicts(on:in:)`` does, without reporting remarks.
  package func verdictsTogether(
    on trajectories: [Trajectory], in context: StageContext
  ) async throws -> [RewardVerdict] {
    let reads = reads.inOrder
    var verdicts = trajectories.map { RewardVerdict(gapIn: $0, reads) }
    let asked = verdicts.indices.filter { verdicts[$0] == nil }
    let outcomes = try await scores(of: asked.map { trajectories[$0] }, in: context)
    guard outcomes.count == asked.count else {
      throw PipelineError(
        .plugIn, "reward '\(Self.name)' returned \(outcomes.count) outcomes for \(asked.count) trajectories")
    }
    for (position, outcome) in zip(asked, outcomes) {
      switch outcome {
      case .success(let outcome): verdicts[position] = RewardVerdict(outcome)
      case .failure(let error): verdicts[position] = try RewardVerdict(error)
      }
    }
    return verdicts.compactMap { $0 }
  }
}

extension Set<Field> {
  fileprivate var inOrder: [Field] { sorted { $0.rawValue < $1.rawValue } }
}

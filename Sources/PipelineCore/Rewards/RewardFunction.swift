// SPDX-License-Identifier: Apache-2.0

/// Scores one trajectory, using its prompt, images, response, answer and every other field of its record.
public protocol RewardFunction: Component {
  /// The fields that a trajectory must carry to be scored.
  var reads: Set<Field> { get }

  /// Scores a trajectory.
  ///
  /// The outcome must not depend on the other trajectories of the batch.
  /// - Throws: Any error; the record is then marked as failed and gets no reward, which is not the same as a reward of
  ///   0.
  func score(_ trajectory: Trajectory) async throws -> RewardOutcome

  /// Releases resources, such as a program that it started; called when there are no more trajectories.
  func close() async

  /// What it looks for in a response, where it says so when there is none: ``RewardOutcome/nothingFound``.
  ///
  /// The `reward` stage counts such responses as `reward/NAME/no_answer`.
  var sought: [SoughtAnswer] { get }
}

extension RewardFunction {
  /// Nothing that could be missing.
  public var sought: [SoughtAnswer] { [] }

  /// There is nothing to release.
  public func close() async {}
}

/// A reward function that scores many trajectories at once: a program in another process, a model, a server.
///
/// All others conform to ``RewardFunction`` only, and are called on several threads.
public protocol BatchRewardFunction: RewardFunction {
  /// Scores trajectories that carry the fields it reads.
  ///
  /// - Returns: The outcome of each, in order, or why it failed: any error, or ``RewardTimeout`` if it came too late.
  /// - Throws: Only errors that make it impossible to continue: the run stops.
  func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>]

  /// How many trajectories it likes to be asked about at once, where there are as many: the size of its batches.
  var together: Int { get }

  /// Whether it waits for others, a program or a server, and computes next to nothing itself.
  ///
  /// The `reward` stage then asks it beside other work, which takes no further thread.
  var worksElsewhere: Bool { get }

  /// Messages for the user about the work since the last call, such as what had to be asked again, and why.
  func remarks() async -> [String]
}

extension BatchRewardFunction {
  /// It does not matter.
  public var together: Int { 1 }

  /// It does.
  public var worksElsewhere: Bool { true }

  /// None.
  public func remarks() async -> [String] { [] }

  /// Scores one trajectory.
  public func score(_ trajectory: Trajectory) async throws -> RewardOutcome {
    let outcomes = try await scores(of: [trajectory], in: StageContext(stage: Self.name))
    guard let outcome = outcomes.first, outcomes.count == 1 else {
      throw PipelineError(
        .plugIn, "reward '\(Self.name)' returned \(outcomes.count) outcomes for one trajectory, it must return one")
    }
    return try outcome.get()
  }
}

/// The result of a reward function.
public enum RewardOutcome: Sendable, Hashable {
  /// A finite score, optionally with named parts.
  case scored(Double, parts: [RewardPart] = [])
  /// It cannot tell, with the reason; the trajectory gets no reward rather than a guess.
  case abstained(String)
}

/// Thrown by a reward function that did not answer in time; the record's status is then `timed_out`.
public struct RewardTimeout: Error, CustomStringConvertible {
  /// How long the answer was waited for: `did not answer within 30.0 s`.
  public let description: String

  /// States how long the answer was waited for.
  public init(seconds: Double) { description = "did not answer within \(seconds) s" }

  /// States it in other words.
  public init(_ description: String) { self.description = description }
}

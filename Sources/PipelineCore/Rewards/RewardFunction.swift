// SPDX-License-Identifier: Apache-2.0

/// Judges one trajectory: its prompt, images, response, answer and every other field of its record.
public protocol RewardFunction: Component {
  /// What a trajectory must carry to be judged.
  var reads: Set<Field> { get }

  /// Judges a trajectory.
  ///
  /// The same trajectory gets the same outcome, whatever else is in the batch.
  /// - Throws: Whatever it likes; the record is then marked failed and gets no reward, which is not zero.
  func score(_ trajectory: Trajectory) async throws -> RewardOutcome

  /// Gives back what it holds, such as a program that it started; called when no more trajectories will come.
  func close() async
}

extension RewardFunction {
  /// Nothing to give back.
  public func close() async {}
}

/// A reward function that judges many trajectories at once: a program beside this one, a model, a server.
///
/// Everybody else conforms to ``RewardFunction`` alone, and is called on several threads.
public protocol BatchRewardFunction: RewardFunction {
  /// Judges trajectories that carry what it reads.
  ///
  /// - Returns: For each, in their order, what it found, or why it failed: any error, ``RewardTimeout`` for one that came
  ///   too late.
  /// - Throws: Only what makes it impossible to go on: the run stops.
  func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>]
}

extension BatchRewardFunction {
  /// Judges one.
  public func score(_ trajectory: Trajectory) async throws -> RewardOutcome {
    let outcomes = try await scores(of: [trajectory], in: StageContext(stage: Self.name))
    guard let outcome = outcomes.first, outcomes.count == 1 else {
      throw PipelineError(
        .plugIn, "reward '\(Self.name)' returned \(outcomes.count) outcomes for one trajectory, it must return one")
    }
    return try outcome.get()
  }
}

/// What a reward function found.
public enum RewardOutcome: Sendable, Hashable {
  /// A finite score, with named parts where it has any.
  case scored(Double, parts: [RewardPart] = [])
  /// It cannot tell, and why; the trajectory gets no reward from anyone's guess.
  case abstained(String)
}

/// What a reward function throws when it did not answer in time; the record's status is then `timed_out`.
public struct RewardTimeout: Error, CustomStringConvertible {
  /// How long the answer was waited for: `did not answer within 30.0 s`.
  public let description: String

  /// Says how long the answer was waited for.
  public init(seconds: Double) { description = "did not answer within \(seconds) s" }

  /// Says it in other words.
  public init(_ description: String) { self.description = description }
}

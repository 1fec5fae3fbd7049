// SPDX-License-Identifier: Apache-2.0

/// One step of a pipeline: a filter on trajectory batches.
///
/// A stage is immutable. It may change trajectories and drop them, with ``TrajectoryBatch/drop(stage:by:)``. A stage
/// that makes rollouts puts them in the place of their prompt, with ``TrajectoryBatch/expand(stage:into:)``. It may not
/// reorder or invent trajectories. Time, files and randomness come in through the context. What a stage decides about a
/// group must not depend on the order of the groups. `PipelineTesting` checks these laws.
public protocol Stage: Component {
  /// The fields that every trajectory must carry when it arrives.
  var reads: Set<Field> { get }

  /// The fields that trajectories carry when they leave.
  var writes: Set<Field> { get }

  /// The fields that the stage uses if a trajectory has them; not required.
  var readsIfPresent: Set<Field> { get }

  /// What the stage needs from a policy; a spec with this stage must name a policy that offers it.
  var needs: Set<PolicyNeed> { get }

  /// Asks for more prompts if too few groups are left after this stage; nil for a stage that does not.
  var refill: Refill? { get }

  /// Works on one batch.
  ///
  /// - Throws: When the batch as a whole cannot be worked on. One bad trajectory is an outcome of that trajectory, or a
  ///   drop with a rule, not an error.
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws

  /// Releases resources, such as a program that it started; called when there are no more batches.
  func close() async
}

extension Stage {
  /// Nothing beyond `reads`.
  public var readsIfPresent: Set<Field> { [] }

  /// No policy.
  public var needs: Set<PolicyNeed> { [] }

  /// Nothing.
  public var refill: Refill? { nil }

  /// There is nothing to release.
  public func close() async {}
}

/// What a stage needs from a policy, and what a policy's backend offers.
public enum PolicyNeed: String, Sendable, Hashable, CaseIterable {
  /// Responses to prompts.
  case generation
  /// Log-probabilities of given responses.
  case logProbs = "log-probs"
  /// Gradients and optimizer steps.
  case training
  /// Log-probabilities under the initial weights of the run.
  case reference
}

/// How a stage that drops groups gets replacements: DAPO's dynamic sampling.
///
/// The stages up to this one work on further prompts until as many groups are left after it as the step began with.
public struct Refill: Sendable, Hashable {
  /// The most batches of prompts that a step may take, including the first.
  public var maxAttempts: Int

  /// Allows this many attempts.
  public init(maxAttempts: Int) { self.maxAttempts = maxAttempts }
}

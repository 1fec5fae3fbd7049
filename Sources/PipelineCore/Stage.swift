// SPDX-License-Identifier: Apache-2.0

/// One step of a pipeline: a filter on trajectory batches.
///
/// A stage is immutable. It may change trajectories and drop them, by ``TrajectoryBatch/drop(stage:by:)``; it
/// may not reorder or invent them. Time, files and randomness come in through the context. What a stage
/// decides about a group must not depend on the order of the groups. `PipelineTesting` checks these laws.
public protocol Stage: Component {
  /// What every trajectory must carry when it arrives.
  var reads: Set<Field> { get }

  /// What trajectories carry when they leave.
  var writes: Set<Field> { get }

  /// What the stage uses where a trajectory has it; not required.
  var readsIfPresent: Set<Field> { get }

  /// Works on one batch.
  ///
  /// - Throws: When the batch as a whole cannot be worked on. One bad trajectory is an outcome on that
  ///   trajectory, or a drop with a rule, not an error.
  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws
}

extension Stage {
  /// Nothing beyond `reads`.
  public var readsIfPresent: Set<Field> { [] }
}

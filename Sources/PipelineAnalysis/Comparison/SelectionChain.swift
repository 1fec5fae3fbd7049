// SPDX-License-Identifier: Apache-2.0
import PipelineCore
package import PipelineRuntime

/// A way of selecting trajectories, with its name in a comparison.
package struct SelectionChain: Sendable {
  /// The name in the report, for example the spec's file name.
  package let label: String
  /// Its stages, in order.
  package let stages: [NamedStage]

  /// Names a chain.
  package init(label: String, stages: [NamedStage]) {
    self.label = label
    self.stages = stages
  }

  /// Runs every stage as a run of the spec with this seed would; taps write nothing.
  ///
  /// - Throws: Errors of a stage, with the chain's name.
  func run(_ batch: TrajectoryBatch, seed: UInt64, threads: Int) async throws -> TrajectoryBatch {
    var batch = batch
    for stage in stages {
      let context = StageContext(stage: stage.name, step: batch.number, seed: seed, threads: threads)
      do {
        try await stage.run(&batch, in: context)
      } catch let error as PipelineError {
        throw PipelineError(error.code, "\(label): \(error.message)", at: error.location)
      }
    }
    return batch
  }
}

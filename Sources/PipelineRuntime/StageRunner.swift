// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A stage under the name that the spec gives it.
package struct NamedStage: Sendable {
  /// Unique in a pipeline: the registered name unless the spec gives another.
  package let name: String
  /// The stage.
  package let stage: any Stage

  /// Names a stage.
  package init(name: String, stage: any Stage) {
    self.name = name
    self.stage = stage
  }

  /// Gives back what the stage holds.
  package func close() async { await stage.close() }

  /// Runs the stage and checks that every trajectory is either still there or was dropped by a rule.
  ///
  /// - Throws: What the stage throws, with its name and the step; or the contract it broke.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let countBefore = batch.count + batch.drops.count - batch.expansion
    do {
      try await stage.run(&batch, in: context)
    } catch let error as PipelineError {
      throw PipelineError(
        error.code, "stage '\(name)', step \(batch.number): \(error.message)", at: error.location)
    } catch let error as CancellationError {
      throw error
    } catch {
      throw PipelineError(.plugIn, "stage '\(name)', step \(batch.number): \(error)")
    }
    guard batch.count + batch.drops.count - batch.expansion == countBefore else {
      throw PipelineError(
        .plugIn,
        "stage '\(name)' lost or invented trajectories (\(countBefore) before, \(batch.count) kept, "
          + "\(batch.drops.count) dropped); a stage may only drop, by TrajectoryBatch.drop, put rollouts in the place "
          + "of prompts, by expand, and bring stored ones in, by insert")
    }
  }
}

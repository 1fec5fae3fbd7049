// SPDX-License-Identifier: Apache-2.0
import PipelineCore
package import PipelineRuntime

/// A way of selecting trajectories, with its name in a comparison.
package struct SelectionChain: Sendable {
  /// The name in the report, for example the spec's file name.
  package let label: String
  /// Its stages, in order.
  package let stages: [NamedStage]

  /// What each stage remembers from batch to batch, as in a run.
  private let memories: [StageMemory]
  private let archives: [ComparedArchive]

  /// Names a chain whose stages have not seen anything yet.
  package init(label: String, stages: [NamedStage]) {
    self.label = label
    self.stages = stages
    memories = stages.map { _ in StageMemory() }
    archives = stages.map { ComparedArchive(stage: $0.name) }
  }

  /// Runs every stage as a run of the spec with this seed would; taps write nothing.
  ///
  /// - Throws: Errors of a stage, with the chain's name.
  func run(_ batch: TrajectoryBatch, seed: UInt64, threads: Int) async throws -> TrajectoryBatch {
    var batch = batch
    for (place, stage) in stages.enumerated() {
      let context = StageContext(
        stage: stage.name, step: batch.number, seed: seed, threads: threads,
        training: TrainingContext(memory: memories[place]), archive: archives[place])
      do {
        try await stage.run(&batch, in: context)
      } catch let error as PipelineError {
        throw PipelineError(error.code, "\(label): \(error.message)", at: error.location)
      }
    }
    return batch
  }
}

/// Keeps what a stage stores in memory, where records are places in the files that they are read from; other runs are read as a
/// run reads them.
private struct ComparedArchive: TrajectoryArchive {
  let stage: String
  private let kept = MemoryArchive()

  init(stage: String) { self.stage = stage }

  func append(_ trajectories: [Trajectory], toFile file: Int) -> ArchiveBlock {
    kept.append(trajectories, toFile: file)
  }

  func trajectories(of block: ArchiveBlock, at places: [Int]) throws -> [Trajectory] {
    try kept.trajectories(of: block, at: places)
  }

  func release(file: Int) { kept.release(file: file) }

  func rollouts(at path: String) throws -> any SavedRollouts {
    try RolloutsOfARun.open(path, stage: stage, threads: 1)
  }
}

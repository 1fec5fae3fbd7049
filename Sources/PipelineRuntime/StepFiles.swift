// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Writes what became of a step's trajectories.
struct StepFiles: Sendable {
  private let plan: RunPlan
  private let committer: Committer
  /// The folder that the files are in.
  private let folder: String

  init(_ plan: RunPlan, _ directory: RunDirectory) {
    self.plan = plan
    (committer, folder) = (directory.committer, directory.path)
  }

  /// Writes a step's batch after its last stage.
  ///
  /// A file is hashed from its beginning on, and so is written by one thread at a time: with several, two files grow at once.
  func write(_ batch: TrajectoryBatch) async throws {
    try committer.announce(names)
    let anchor = ImageAnchor(folder: folder, roots: plan.media.roots)
    if let every = plan.keepsAllRolloutsEvery, batch.number % every == 0 {
      let frame = try await AllRollouts(batch).frame(threads: plan.threads, anchor: anchor)
      try committer.append(frame, to: AllRollouts.file)
    }
    if plan.threads > 1 {
      async let rollouts: Void = writeRollouts(batch, anchor)
      async let lineage: Void = writeLineage(batch)
      try await rollouts
      try await lineage
    } else {
      try await writeRollouts(batch, anchor)
      try await writeLineage(batch)
    }
  }

  /// Files that every step writes to.
  private var names: [String] {
    [plan.rolloutsFile, plan.writesLineage ? Self.lineage : nil, "metrics.jsonl", "timings.jsonl"].compactMap { $0 }
  }

  private static let lineage = "lineage.jsonl"

  private func writeRollouts(_ batch: TrajectoryBatch, _ anchor: ImageAnchor) async throws {
    guard let file = plan.rolloutsFile else { return }
    _ = try committer.length(of: file)
    try await ParallelEncoding.run(
      count: batch.count, threads: plan.threads,
      encode: {
        try TrajectoryEncoder.encode(batch[$0], anchoredBy: anchor, step: batch.number, into: &$1)
      },
      write: { try committer.append($0, to: file) })
  }

  private func writeLineage(_ batch: TrajectoryBatch) async throws {
    guard plan.writesLineage else { return }
    _ = try committer.length(of: Self.lineage)
    try await LineageEncoder(batch).write(threads: plan.threads) { try committer.append($0, to: Self.lineage) }
  }
}

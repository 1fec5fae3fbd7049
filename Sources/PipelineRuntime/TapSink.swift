// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Writes taps into the run's directory.
struct TapSink: BatchSink {
  private let committer: Committer
  private let stage: String
  private let threads: Int

  init(committer: Committer, stage: String, threads: Int) {
    (self.committer, self.stage, self.threads) = (committer, stage, threads)
  }

  func write(_ batch: TrajectoryBatch, name: String) async throws {
    let file = try committer.tap(name, of: stage)
    // An empty batch leaves an empty file.
    _ = try committer.length(of: file)
    try await ParallelEncoding.run(
      count: batch.count, threads: threads, encode: { try TrajectoryEncoder.encode(batch[$0], into: &$1) },
      write: { try committer.append($0, to: file) })
  }

  func log(_ lines: [String], name: String) async throws {
    try committer.log(lines, to: "logs/\(name).log")
  }
}

// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore
import PipelineIO

/// Keeps a stage's trajectories in files of the run that grow, such as `replay/STAGE.N.jsonl.zst`.
///
/// They are streams of the run: a resume checks them, and cuts them back to what the saved state tells of. A file that was
/// released is removed once a state that does not name it has been saved.
struct RunArchive: TrajectoryArchive {
  /// What the trajectories are kept for; each has a folder of its own.
  enum Purpose: String, CaseIterable {
    /// A stage brings them in again.
    case replay
    /// Their groups wait in waves of rollouts.
    case waiting
  }

  /// The folders of a run that archives are in.
  static let folders = Purpose.allCases.map(\.rawValue)
  private let folder: String
  private let committer: Committer
  private let run: String
  private let stage: String
  private let threads: Int
  private let anchor: ImageAnchor

  init(_ directory: RunDirectory, stage: String, plan: RunPlan, for purpose: Purpose = .replay) {
    folder = purpose.rawValue
    (committer, run, self.stage, threads) = (directory.committer, directory.path, stage, plan.threads)
    // Relative paths of images start from the folder of the file.
    anchor = ImageAnchor(folder: directory.path + "/" + purpose.rawValue, roots: plan.media.roots)
  }

  private func name(of file: Int) -> String { "\(folder)/\(stage).\(file).jsonl.zst" }

  func append(_ trajectories: [Trajectory], toFile file: Int) async throws -> ArchiveBlock {
    let name = name(of: file)
    let start = try committer.length(of: name)
    let size = StoredRecords.linesPerFrame
    let (anchor, committer) = (anchor, committer)
    try await ParallelEncoding.run(
      count: (trajectories.count + size - 1) / size, chunk: 1, threads: threads,
      encode: { number, bytes in
        var lines: [UInt8] = []
        for trajectory in trajectories[number * size..<min(trajectories.count, (number + 1) * size)] {
          try TrajectoryEncoder.encode(try anchor.anchored(trajectory), into: &lines)
        }
        bytes += StoredRecords.frame(of: lines)
      }, write: { try committer.append($0, to: name) })
    let end = try committer.length(of: name)
    return ArchiveBlock(file: file, offset: Int(start), bytes: Int(end - start), count: trajectories.count)
  }

  func trajectories(of block: ArchiveBlock, at places: [Int]) throws -> [Trajectory] {
    let name = name(of: block.file)
    let bytes = try committer.read(block.bytes, at: UInt64(block.offset), of: name)
    return try StoredRecords.trajectories(at: places, inFrames: bytes, file: run + "/" + name)
  }

  func release(file: Int) throws { committer.release(name(of: file)) }

  func rollouts(at path: String) throws -> any SavedRollouts {
    try RolloutsOfARun.open(path, stage: stage, threads: threads, run: run)
  }
}

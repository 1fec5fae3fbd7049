// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Keeps trajectories from step to step for a stage; a run keeps them in files of its own.
public protocol TrajectoryArchive: Sendable {
  /// Writes trajectories behind what a file holds.
  ///
  /// What a step has written counts once the step counts: a run that is killed cuts the file back.
  /// - Parameter file: The number of the file, which is made where it is new.
  func append(_ trajectories: [Trajectory], toFile file: Int) async throws -> ArchiveBlock

  /// Reads trajectories again, as they were written.
  ///
  /// - Parameter places: Which of the block's trajectories, counted from 0, ascending.
  /// - Throws: When the file is not what was written.
  func trajectories(of block: ArchiveBlock, at places: [Int]) async throws -> [Trajectory]

  /// Gives a file up; it goes once no saved state of the run names it.
  func release(file: Int) async throws

  /// Opens the rollouts of another run, or a file of rollouts.
  ///
  /// - Parameter path: A run's folder, or a file.
  /// - Throws: When there is no such thing.
  func rollouts(at path: String) async throws -> any SavedRollouts
}

/// Where some trajectories that were written together are.
public struct ArchiveBlock: Sendable, Hashable {
  /// The number of the file.
  public var file: Int
  /// The first byte of the block.
  public var offset: Int
  /// The length of the block in bytes.
  public var bytes: Int
  /// The number of trajectories.
  public var count: Int

  /// A place.
  public init(file: Int, offset: Int, bytes: Int, count: Int) {
    (self.file, self.offset, self.bytes, self.count) = (file, offset, bytes, count)
  }

  /// The first byte behind it.
  public var end: Int { offset + bytes }
}

/// Rollouts that some run has saved, step by step.
public protocol SavedRollouts: Sendable {
  /// The rollouts of the next step; nil at the end.
  func next() async throws -> TrajectoryBatch?
}

/// Keeps trajectories in memory: for tests, and for stages outside of a run.
public final class MemoryArchive: TrajectoryArchive {
  private let files = Mutex<[Int: [Trajectory]]>([:])

  /// An empty archive.
  public init() {}

  /// Keeps trajectories; offsets count trajectories, not bytes.
  public func append(_ trajectories: [Trajectory], toFile file: Int) -> ArchiveBlock {
    files.withLock { files in
      let offset = files[file]?.count ?? 0
      files[file, default: []] += trajectories
      return ArchiveBlock(file: file, offset: offset, bytes: trajectories.count, count: trajectories.count)
    }
  }

  /// Looks trajectories up.
  public func trajectories(of block: ArchiveBlock, at places: [Int]) throws -> [Trajectory] {
    let kept = files.withLock { $0[block.file] ?? [] }
    guard block.end <= kept.count, places.allSatisfy({ block.offset + $0 < kept.count }) else {
      throw PipelineError(.invalidData, "the archive has no trajectory \(block.end - 1) in its file \(block.file)")
    }
    return places.map { kept[block.offset + $0] }
  }

  /// Forgets a file.
  public func release(file: Int) { files.withLock { $0[file] = nil } }

  /// There are none without a run.
  public func rollouts(at path: String) throws -> any SavedRollouts {
    throw PipelineError(
      .invalidSpec,
      "rollouts of \(path.quotedForMessage) are read by a run; run the stage from a spec, or leave 'from' out")
  }
}

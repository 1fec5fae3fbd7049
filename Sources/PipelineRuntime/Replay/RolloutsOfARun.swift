// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
package import PipelineCore
import PipelineIO

/// The rollouts of a run, or of a file, which a stage replays.
package struct RolloutsOfARun: SavedRollouts {
  private let reader: TrajectoryReader

  /// Opens them.
  ///
  /// - Parameters:
  ///   - path: A run's folder, or a file of rollouts.
  ///   - stage: The stage that names it in `from`.
  ///   - run: The run that asks, whose own rollouts it cannot read; nil outside of a run.
  /// - Throws: When there is no such thing, or it lies in the run that asks.
  package static func open(_ path: String, stage: String, threads: Int, run: String? = nil) throws -> RolloutsOfARun {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw PipelineError(
        .inputOutput,
        "there is no \(path), which 'from' of stage '\(stage)' names; name the folder of a run, or a file of rollouts")
    }
    var file = path
    if isDirectory.boolValue {
      file += "/" + AllRollouts.file
      guard FileManager.default.isReadableFile(atPath: file) else {
        throw PipelineError(
          .inputOutput,
          "the run in \(path), which 'from' of stage '\(stage)' names, has no \(AllRollouts.file); name its file of rollouts, "
            + "or keep all rollouts there with output.all_rollouts")
      }
    }
    if let run, RealPath(file).lies(in: RealPath(run)) {
      throw PipelineError(
        .inputOutput,
        "\(path), which 'from' of stage '\(stage)' names, lies in the directory of this run; name another run")
    }
    var options = TrajectoryReader.Options(paths: [file])
    // A record that cannot be used stops the run with its place: nothing is left out unsaid.
    (options.maxBadRecords, options.threads) = (0, threads)
    return RolloutsOfARun(reader: TrajectoryReader(options))
  }

  /// The rollouts of the next step; nil at the end.
  package func next() async throws -> TrajectoryBatch? { try await reader.next() }
}

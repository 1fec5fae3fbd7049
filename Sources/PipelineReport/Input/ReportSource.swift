// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
package import PipelineIO

/// What a report shows: a run, or files of rollouts that belong together.
package enum ReportSource: Sendable {
  case run(RunFolder)
  case files(TrajectoryReader.Options)

  /// What some paths name: the directories of runs, folders of runs, and files of rollouts, all of which are one source.
  ///
  /// - Parameter reading: How files are read.
  /// - Throws: When a path leads nowhere, or to a folder without runs.
  package static func sources(at paths: [String], reading: TrajectoryReader.Options) throws -> [ReportSource] {
    var sources: [ReportSource] = []
    var files: [String] = []
    for path in paths {
      let runs = path == "-" ? [] : try RunFolder.runs(below: path)
      if !runs.isEmpty {
        sources += runs.map(ReportSource.run)
      } else if path == "-" || !isFolder(path) || ColumnFile.isFolder(path) {
        files.append(path)
      } else {
        throw PipelineError(
          .inputOutput,
          "\(path) holds no run (no resolved.json, nor in the folders below); name the directory that `run --output` "
            + "made, a folder of such directories, or files of rollouts")
      }
    }
    if !files.isEmpty {
      var options = reading
      options.paths = files
      sources.append(.files(options))
    }
    return sources
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}

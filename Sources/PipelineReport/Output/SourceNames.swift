// SPDX-License-Identifier: Apache-2.0
import PipelineIO

/// What the sources of a report are called in it.
enum SourceNames {
  /// For runs, their paths without the folders that all of them share; for files, the first one's name.
  static func names(of sources: [ReportSource]) -> [String] {
    let paths = sources.map { source -> [Substring] in
      switch source {
      case .run(let run): run.path.split(separator: "/").filter { $0 != "." }
      case .files(let options): [Substring(options.paths.first?.split(separator: "/").last ?? "rollouts")]
      }
    }
    let runs = zip(sources, paths).compactMap { source, path in if case .run = source { path } else { nil } }
    var shared = 0
    if let first = runs.first {
      while shared < (runs.map(\.count).min() ?? 0) - 1, runs.allSatisfy({ $0[shared] == first[shared] }) {
        shared += 1
      }
    }
    return zip(sources, paths).map { source, path in
      switch source {
      case .run: path.dropFirst(shared).joined(separator: "/")
      case .files(let options):
        options.paths.count > 1 ? "\(path[0]) and \(options.paths.count - 1) more" : String(path[0])
      }
    }
  }
}

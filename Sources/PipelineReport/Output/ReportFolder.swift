// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// A folder that appears under its name only when all of a report is in it.
package enum ReportFolder {
  /// Fills a hidden folder beside the target, which then takes its name.
  ///
  /// - Parameters:
  ///   - replacing: Whether a report that is there is replaced; a folder that holds none never is.
  ///   - fill: Writes the report into the folder at a path.
  /// - Throws: When the target is there and may not be replaced, or cannot be written.
  package static func write<Result>(
    to target: String, replacing: Bool, fill: (String) async throws -> Result
  ) async throws -> Result {
    let url = URL(fileURLWithPath: target)
    let (parent, name) = (url.deletingLastPathComponent().path, url.lastPathComponent)
    if access(target, F_OK) == 0 {
      guard replacing else { throw AtomicFile.existsAlready(target) }
      guard isReport(target) else {
        throw PipelineError(
          .inputOutput, "\(target) is no report, and is not replaced; name another --output, or remove it yourself")
      }
    }
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    DurableFolder.removeAbandoned(in: parent, name: name)
    let partial = parent + "/" + DurableFolder.partialName(name)
    do {
      try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: false)
    } catch {
      throw SystemError.current("cannot make the folder", target)
    }
    do {
      let result = try await fill(partial)
      try DurableFolder.move(folder: partial, to: target, replacing: replacing)
      return result
    } catch {
      try? FileManager.default.removeItem(atPath: partial)
      throw error
    }
  }

  /// Whether a folder holds a report, or nothing.
  private static func isReport(_ path: String) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["?"]
    return names.isEmpty || Set(names).isSuperset(of: ["index.html", "data", "pictures", "report.css"])
  }
}

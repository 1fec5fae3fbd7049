// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineSpec

/// Where files that a configuration names are looked for, and how the spec names them.
package struct Surroundings: Sendable {
  /// The folder of the configuration; the peers' recipes name files from a folder above it.
  package var folder: String
  /// Variables that scripts may use without setting them.
  package var environment: [String: String]
  /// What a path from the working folder is in the spec.
  package var specPath: @Sendable (String) -> String

  /// Describes the surroundings of a configuration.
  package init(
    folder: String = "", environment: [String: String] = [:],
    specPath: @escaping @Sendable (String) -> String = { $0 }
  ) {
    (self.folder, self.environment, self.specPath) = (folder, environment, specPath)
  }

  /// The file that a path names, from the working folder: as it stands, or from the configuration's folder or one above it.
  func find(_ path: String) -> String? {
    if path.isEmpty || ShellVariables.isUnknown(path) { return nil }
    let manager = FileManager.default
    if manager.fileExists(atPath: path) { return path }
    if path.hasPrefix("/") { return nil }
    let start = folder.isEmpty ? manager.currentDirectoryPath : folder
    var above = URL(fileURLWithPath: start).standardizedFileURL.path
    while true {
      let candidate = (above == "/" ? "" : above) + "/" + path
      if manager.fileExists(atPath: candidate) { return candidate }
      if above == "/" { return nil }
      above = URL(fileURLWithPath: above).deletingLastPathComponent().path
    }
  }

  /// The tree of a YAML or JSON file.
  func tree(of path: String) throws -> JSONValue {
    try SpecText(contentsOf: path, kind: "configuration").tree().jsonValue
  }
}

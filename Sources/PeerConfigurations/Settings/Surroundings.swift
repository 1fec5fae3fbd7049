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

  /// The files of `FOLDER@SPLIT`, as EasyR1 names a split of a data set, in the order of their names; empty if they are not here.
  ///
  /// As `datasets` has it, a file belongs to the split that is a word of its name, and to `train` where no file has such a word.
  func files(ofSplit path: String) -> [String] {
    guard let at = path.lastIndex(of: "@"), let place = find(String(path[..<at])) else { return [] }
    let split = path[path.index(after: at)...]
    let manager = FileManager.default
    func names(in folder: String) -> [String] {
      ((try? manager.contentsOfDirectory(atPath: folder)) ?? []).filter {
        $0.hasSuffix(".parquet") || $0.hasSuffix(".arrow")
      }.sorted()
    }
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue else { return [place] }
    for folder in ["\(place)/\(split)", place, place + "/data"] {
      let all = names(in: folder)
      if all.isEmpty { continue }
      let splits = all.map { name in name.split { !($0.isLetter || $0.isNumber) } }
      let isDivided = splits.contains { !Self.splits.isDisjoint(with: $0.map(String.init)) }
      let belongs = zip(all, splits).filter { folder.hasSuffix("/\(split)") || $0.1.contains(split) }.map(\.0)
      let files = belongs.isEmpty && !isDivided && split == "train" ? all : belongs
      return files.map { folder + "/" + $0 }
    }
    return []
  }

  /// The words that tell the splits of a data set apart.
  private static let splits: Set<String> = [
    "train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval",
  ]

  /// The tree of a YAML or JSON file.
  func tree(of path: String) throws -> JSONValue {
    try SpecText(contentsOf: path, kind: "configuration").tree().jsonValue
  }
}

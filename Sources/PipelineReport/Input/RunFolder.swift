// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineRuntime

/// The directory of a run, as a report reads it: only what belongs to complete steps.
package struct RunFolder: Sendable {
  /// The path as the user named it.
  package let path: String
  /// The resolved spec.
  let spec: JSONValue

  /// How far the run has come.
  package struct Progress: Sendable, Hashable {
    var completeSteps = 0
    var isFinished = false
    /// The bytes of each file that belong to complete steps.
    var lengths: [String: UInt64] = [:]
    /// The checkpoints that are there, and the best of them.
    var checkpoints: [String] = []
    var best: String?
  }

  /// Opens a run's directory; nil where it holds none.
  ///
  /// - Throws: When its spec cannot be read.
  package init?(path: String) throws {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let spec = try Self.document(path + "/resolved.json") else { return nil }
    (self.path, self.spec) = (path, spec)
  }

  /// The runs in a folder and the folders below, by path; a run holds no further ones.
  package static func runs(below path: String, depth: Int = 4) throws -> [RunFolder] {
    if let run = try RunFolder(path: path) { return [run] }
    guard depth > 0, let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { return [] }
    return try names.sorted(by: naturally).filter { !$0.hasPrefix(".") }.flatMap { name -> [RunFolder] in
      var isFolder: ObjCBool = false
      let inner = path + "/" + name
      guard FileManager.default.fileExists(atPath: inner, isDirectory: &isFolder), isFolder.boolValue else { return [] }
      return try runs(below: inner, depth: depth - 1)
    }
  }

  /// `seed-2` before `seed-10`.
  private static func naturally(_ left: String, _ right: String) -> Bool {
    left.compare(right, options: [.numeric]) == .orderedAscending
  }

  /// Whether a process is at work on it.
  var isAtWork: Bool {
    guard let file = try? FileDescriptor(opening: path + "/.lock", O_RDONLY) else { return false }
    return FileLock.isHeld(on: file)
  }

  /// How far it has come by now; not at all where it has written no state.
  ///
  /// - Throws: When its state cannot be read.
  package func progress() throws -> Progress {
    guard let state = try Self.document(path + "/state.json") else { return Progress() }
    var progress = Progress()
    progress.completeSteps = state["complete_steps"]?.intValue ?? 0
    progress.isFinished = state["finished"] == .bool(true)
    for member in state["offsets"]?.objectValue ?? [] {
      progress.lengths[member.key] = member.value.intValue.flatMap { UInt64(exactly: $0) }
    }
    let checkpoints = state["training"]?["checkpoints"]
    progress.checkpoints = (checkpoints?["files"]?.objectValue ?? []).map(\.key)
    progress.best = checkpoints?["best"]?.stringValue
    return progress
  }

  /// The part of a file that was added since an earlier look; nil where there is none.
  func part(of file: String, in progress: Progress, from start: UInt64) -> Range<UInt64>? {
    guard let end = progress.lengths[file], end > start else { return nil }
    // Of a run that has ended, somebody may have removed what takes room.
    return access(self.file(file), R_OK) == 0 ? start..<end : nil
  }

  func file(_ name: String) -> String { path + "/" + name }

  /// The file with the trajectories that were trained on.
  var selectedFile: String { spec["output"]?["rollouts"]?.stringValue ?? "selected.jsonl" }

  /// Whether only some of the steps keep all their rollouts.
  var keepsAllRollouts: Bool {
    let choice = spec["output"]?["all_rollouts"]
    return choice?["every"] == nil && choice != "off"
  }

  /// How its spec wants it to be shown, as far as it says so; nil where it says nothing.
  var viewSettings: [JSONValue.Member]? {
    guard let settings = spec["output"]?["report"] else { return nil }
    let namesPart = settings["accuracy"]?.stringValue.map { !$0.isEmpty } ?? false
    let stated = (settings.objectValue ?? []).filter { member in
      switch member.key {
      case "accuracy", "right_from": namesPart
      case "columns": member.value.arrayValue?.isEmpty == false
      default: true
      }
    }
    return stated.isEmpty ? nil : stated
  }

  /// Where its images may lie: beside its data, and where its spec allows them.
  func places(allowing access: MediaAccess) -> PicturePlaces {
    let source = spec["source"]
    let data = ["prompts", "rollouts"].flatMap { key -> [String] in
      switch source?[key] {
      case .string(let path)?: [path]
      case .array(let paths)?: paths.compactMap(\.stringValue)
      default: []
      }
    }
    let files = data.filter { $0 != "-" }.map(absolute)
    let roots = (source?["image_roots"]?.arrayValue ?? []).compactMap(\.stringValue).map(absolute)
    var access = access.including(files: files)
    access.roots += roots
    return PicturePlaces(access: access, folders: files.map { Trajectory.folder(of: $0) })
  }

  /// A path of the resolved spec, which starts from the run's directory.
  private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : self.path + "/" + path }

  static func document(_ path: String) throws -> JSONValue? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try data.withUnsafeBytes { try JSONValue(parsing: $0) }
    } catch {
      throw PipelineError(.invalidData, "\(path) cannot be read as JSON; was it changed by hand?")
    }
  }
}

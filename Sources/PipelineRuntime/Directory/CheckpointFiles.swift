// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// The files of a checkpoint, each with its size and SHA-256.
struct CheckpointFiles: Sendable, Equatable {
  private var files: [String: AppendOnlyFile.Extent] = [:]

  /// Reads all files of a folder, and waits until each is on the disk.
  ///
  /// What takes long with a large model is reading; files are read at once on several threads.
  init(of folder: Folder, threads: Int) async throws {
    files = try await Self.extents(of: Self.names(in: folder), in: folder, threads: threads, synchronizing: true)
  }

  /// Checks that a folder holds these files, and no others.
  ///
  /// - Throws: An error that names the first that is gone, is another one, or is too many.
  func verify(in folder: Folder, threads: Int) async throws {
    let names = try Self.names(in: folder)
    if let gone = files.keys.filter({ !names.contains($0) }).min() {
      throw Self.fault(folder.path(of: gone), "is gone")
    }
    if let surplus = names.filter({ files[$0] == nil }).min() {
      throw PipelineError(
        .invalidData,
        "\(folder.path(of: surplus)) is not part of the checkpoint; move it away to continue")
    }
    let found = try await Self.extents(of: names, in: folder, threads: threads, synchronizing: false)
    for name in names.sorted() {
      guard let saved = files[name], let now = found[name] else { continue }
      if saved.bytes != now.bytes {
        throw Self.fault(folder.path(of: name), "has \(now.bytes) bytes, but \(saved.bytes) were saved")
      }
      if saved.sha256 != now.sha256 {
        throw Self.fault(folder.path(of: name), "has changed since it was saved (its SHA-256 differs)")
      }
    }
  }

  private static func fault(_ path: String, _ what: String) -> PipelineError {
    PipelineError(
      .invalidData, "\(path) \(what); restore it from a copy, or start anew with --overwrite")
  }

  /// Plain files, those in folders below too; hidden ones, which file managers and network file systems make, are none.
  private static func names(in folder: Folder) throws -> [String] {
    try folder.names().filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
      guard try folder.kind(of: name) == .folder, let inner = try folder.folder(name) else { return [name] }
      return try names(in: inner).map { "\(name)/\($0)" }
    }
  }

  private static func extents(
    of names: [String], in folder: Folder, threads: Int, synchronizing: Bool
  ) async throws -> [String: AppendOnlyFile.Extent] {
    try await withThrowingTaskGroup(of: (String, AppendOnlyFile.Extent).self) { group in
      var extents: [String: AppendOnlyFile.Extent] = [:]
      var rest = names[...]
      func start() {
        guard let name = rest.popFirst() else { return }
        group.addTask {
          guard let file = try folder.open(name, O_RDONLY, or: "cannot read") else {
            throw Self.fault(folder.path(of: name), "is gone")
          }
          if synchronizing { try file.synchronize() }
          return (name, .init(bytes: try file.size(), sha256: try file.sha256().digits))
        }
      }
      for _ in 0..<max(1, threads) { start() }
      while let (name, extent) = try await group.next() {
        extents[name] = extent
        start()
      }
      return extents
    }
  }

  /// For `state.json`.
  var json: JSONValue {
    .object(
      files.sorted { $0.key < $1.key }.map { name, extent in
        .init(name, ["bytes": .number(String(extent.bytes)), "sha256": .string(extent.sha256)])
      })
  }

  /// Reads what ``json`` says; nil where a value has the wrong type.
  init?(_ json: JSONValue) {
    guard let members = json.objectValue else { return nil }
    for member in members {
      guard let bytes = member.value["bytes"]?.intValue, bytes >= 0, let hash = member.value["sha256"]?.stringValue
      else { return nil }
      files[member.key] = .init(bytes: UInt64(bytes), sha256: hash)
    }
  }
}

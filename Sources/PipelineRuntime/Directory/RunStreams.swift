// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore

/// The files of a run that grow step by step.
struct RunStreams {
  private let folder: Folder
  private var open: [String: AppendOnlyFile] = [:]
  /// Folders that have got a file whose name is not known to be on the disk.
  private var changedFolders: Set<String> = []

  /// Opens the files of an earlier part of the run and checks that they begin with what it wrote; changes nothing.
  ///
  /// - Throws: The first that does not, by name.
  init(in folder: Folder, after extents: [String: AppendOnlyFile.Extent] = [:]) throws {
    self.folder = folder
    for (name, extent) in extents.sorted(by: { $0.key < $1.key }) {
      // One that was noted and never made.
      if extent.bytes == 0, try folder.kind(of: name) == nil { continue }
      open[name] = try AppendOnlyFile(in: folder, name: name, after: extent)
    }
  }

  /// The stream of a name, made where it is new.
  mutating func stream(_ name: String) throws -> AppendOnlyFile {
    if let stream = open[name] { return stream }
    let stream = try AppendOnlyFile(in: folder, name: name)
    // What a part of the run that nobody remembers has written.
    try stream.cut()
    open[name] = stream
    if let slash = name.lastIndex(of: "/") { changedFolders.insert(String(name[..<slash])) }
    return stream
  }

  /// Closes a file and removes it.
  mutating func remove(_ name: String) throws {
    open[name] = nil
    try folder.remove(name)
  }

  /// Removes what stands behind the ends: bytes of steps that were not complete when the run was killed.
  func cut() throws { for stream in open.values { try stream.cut() } }

  /// Writes out the buffers and returns the length and hash of every file.
  func extents() throws -> [String: AppendOnlyFile.Extent] {
    try open.mapValues { stream in
      try stream.flush()
      return stream.extent
    }
  }

  /// Waits until what ``extents()`` last told of is on the disk, new names below the run's folder too.
  ///
  /// What is still buffered stays so: it may be what there is no room for.
  mutating func synchronize() throws {
    for stream in open.values { try stream.synchronizeWritten() }
    for name in changedFolders { try folder.folder(name)?.synchronize() }
    changedFolders = []
  }
}

// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// A file that appears under its name only when it is complete, or standard output.
///
/// Bytes are written to a hidden file in the same folder, which is renamed by ``finish()``; if a run is killed, the old
/// file remains. A path that ends in `.gz` or `.zst` is compressed.
package final class OutputFile {
  /// What to do if the file exists.
  package enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Replace it, once the new one is complete.
    case replace
  }

  private let existing: Existing
  private let descriptor: FileDescriptor
  /// Nil for what has no name to take: standard output, a device, a pipe.
  private let file: AtomicFile?
  private var compressor: Compressor
  private var pending: [UInt8] = []

  private static let blockSize = 1 << 20

  /// Opens a file for writing, or standard output for `-`.
  ///
  /// - Throws: When it exists and may not be replaced, is a directory, or cannot be written.
  package init(path: String, existing: Existing = .refuse) throws {
    self.existing = existing
    compressor = Compressor(Compression(path: path))
    if path == "-" {
      file = nil
      descriptor = FileDescriptor(1, path: "standard output", closes: false)
      return
    }
    var status = stat()
    if stat(path, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      if kind == S_IFDIR { throw SystemError.current("cannot write", path, code: EISDIR) }
      if kind != S_IFREG {
        // A device or a pipe: there is nothing to replace or keep.
        file = nil
        descriptor = try FileDescriptor(opening: path, O_WRONLY, or: "cannot write")
        return
      }
      if existing == .refuse { throw AtomicFile.existsAlready(path) }
    }
    let file = try AtomicFile(path: path)
    (self.file, descriptor) = (file, file.descriptor)
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws {
    if pending.isEmpty, bytes.count >= Self.blockSize {
      try bytes.withUnsafeBytes { try push($0, isLast: false) }
      return
    }
    pending.append(contentsOf: bytes)
    if pending.count >= Self.blockSize { try flush() }
  }

  /// Writes out the buffer.
  package func flush() throws {
    if pending.isEmpty { return }
    try pending.withUnsafeBytes { try push($0, isLast: false) }
    pending.removeAll(keepingCapacity: true)
  }

  /// Writes the rest and renames the file.
  package func finish() throws {
    try pending.withUnsafeBytes { try push($0, isLast: true) }
    pending.removeAll()
    try file?.commit(existing == .replace ? .replace : .refuse)
  }

  private func push(_ bytes: UnsafeRawBufferPointer, isLast: Bool) throws {
    let descriptor = descriptor
    try compressor.write(bytes, isLast: isLast) { try descriptor.write($0) }
  }
}

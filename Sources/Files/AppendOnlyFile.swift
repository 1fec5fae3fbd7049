// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Synchronization

/// A file that grows, and knows the hash of what was written to it.
///
/// Opening changes nothing yet: what stands behind the given length, left by a process that was killed, goes when the
/// first byte is written or ``cut()`` is called.
/// Safe to use from several threads, of which one at a time writes.
package final class AppendOnlyFile: Sendable {
  private let descriptor: FileDescriptor
  private let contents: Mutex<Contents>

  private struct Contents {
    var writer: BlockWriter
    var hash: SHA256
    var isCut = false
    /// Whether the file is as it was when it was last known to be on the disk.
    var isOnDisk = false
  }

  /// What went before: a length, and the hash of those bytes where it is known.
  package struct Extent: Sendable, Hashable {
    /// The number of bytes.
    package var bytes: UInt64
    /// The SHA-256 of them, in hexadecimal digits.
    package var sha256: String

    /// A length with its hash.
    package init(bytes: UInt64, sha256: String) {
      self.bytes = bytes
      self.sha256 = sha256
    }

    /// Of a file that holds nothing.
    package static let empty = Extent(bytes: 0, sha256: SHA256().digits)
  }

  /// Opens or makes a file that goes on after `extent`.
  ///
  /// - Throws: When the file does not begin with the bytes that `extent` tells of.
  package init(in folder: Folder, name: String, after extent: Extent = .empty) throws {
    let flags = extent.bytes == 0 ? O_RDWR | O_CREAT : O_RDWR
    guard let descriptor = try folder.open(name, flags) else {
      throw SystemError.current("cannot open", folder.path(of: name), code: ENOENT)
    }
    self.descriptor = descriptor
    let size = try descriptor.size()
    guard size >= extent.bytes else {
      throw PipelineError(
        .invalidData,
        "\(descriptor.path) has \(size) bytes, but \(extent.bytes) were written; restore it from a copy, or start again "
          + "with --overwrite")
    }
    let hash = try descriptor.sha256(limit: extent.bytes)
    guard hash.digits == extent.sha256 else {
      throw PipelineError(
        .invalidData,
        "\(descriptor.path) has changed since it was written (its SHA-256 differs); restore it from a copy, or start "
          + "again with --overwrite")
    }
    contents = Mutex(Contents(writer: BlockWriter(descriptor, at: extent.bytes), hash: hash))
  }

  /// The number of bytes that count, with what is still gathered.
  package var offset: UInt64 { contents.withLock { $0.writer.end } }

  /// The length and the hash of everything written so far.
  package var extent: Extent { contents.withLock { Extent(bytes: $0.writer.end, sha256: $0.hash.digits) } }

  /// Removes what stands behind the end: bytes of a process that was killed.
  package func cut() throws { try contents.withLock { try cut(&$0) } }

  private func cut(_ contents: inout Contents) throws {
    if contents.isCut { return }
    try descriptor.resize(to: contents.writer.writtenCount)
    contents.isOnDisk = false
    contents.isCut = true
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws {
    try contents.withLock { contents in
      try cut(&contents)
      contents.hash.add(bytes)
      try bytes.withUnsafeBytes { try contents.writer.append($0) }
    }
  }

  /// Writes out what is gathered.
  package func flush() throws {
    try contents.withLock { try flush(&$0) }
  }

  private func flush(_ contents: inout Contents) throws {
    if contents.writer.isFlushed { return }
    contents.isOnDisk = false
    try contents.writer.flush()
  }

  /// Bytes that were written.
  ///
  /// - Throws: When the file ends before them.
  package func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    let (end, isTooLarge) = offset.addingReportingOverflow(UInt64(max(0, count)))
    // Nobody writes meanwhile: a descriptor that writes past the system's cache reads whole pages only.
    let found: [UInt8]? = try contents.withLock { contents in
      try flush(&contents)
      // Asked for more than there is, it makes no room first.
      guard count >= 0, !isTooLarge, end <= contents.writer.end else { return nil }
      var read = 0
      let bytes = try [UInt8](unsafeUninitializedCapacity: max(1, count)) { buffer, size in
        read = try descriptor.read(
          into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
        size = read
      }
      return read == count ? bytes : nil
    }
    if let found { return found }
    throw PipelineError(
      .invalidData,
      "\(descriptor.path) ends before byte \(end), which was written; restore it from a copy, or start again with --overwrite"
    )
  }

  /// Waits until what has been written out is on the disk; what is still gathered stays where it is.
  package func synchronizeWritten() throws {
    try contents.withLock { contents in
      if contents.isOnDisk { return }
      try descriptor.synchronize()
      contents.isOnDisk = true
      contents.writer.synchronized()
    }
  }

  /// Writes out the buffer and waits until it is on the disk.
  package func synchronize() throws {
    try flush()
    try synchronizeWritten()
  }
}

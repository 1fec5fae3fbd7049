// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A file that grows, and knows the hash of what was written to it.
///
/// Opening changes nothing yet: what stands behind the given length, left by a process that was killed, goes when the
/// first byte is written or ``cut()`` is called.
package final class AppendOnlyFile {
  /// The number of bytes that count, with what is still buffered.
  package private(set) var offset: UInt64
  private let descriptor: FileDescriptor
  private var pending: [UInt8] = []
  private var hash: SHA256
  private var isCut = false
  /// Whether the file is as it was when it was last known to be on the disk.
  private var isOnDisk = false
  /// Where the bytes begin and end that were written since the system was last told to bring some to the disk.
  private var waiting: Range<UInt64>

  private static let blockSize = 1 << 20
  /// Fewer bytes than these are gathered: below, a call costs more than a copy.
  private static let directSize = 256 << 10
  /// So many bytes are brought to the disk while more are made, so that little is left to wait for at the end.
  private static let startSize = 16 << 20

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
    hash = try descriptor.sha256(limit: extent.bytes)
    guard hash.digits == extent.sha256 else {
      throw PipelineError(
        .invalidData,
        "\(descriptor.path) has changed since it was written (its SHA-256 differs); restore it from a copy, or start "
          + "again with --overwrite")
    }
    offset = extent.bytes
    waiting = offset..<offset
    guard lseek(descriptor.rawValue, off_t(offset), SEEK_SET) >= 0 else {
      throw SystemError.current("cannot write", descriptor.path)
    }
  }

  /// The length and the hash of everything written so far.
  package var extent: Extent { Extent(bytes: offset, sha256: hash.digits) }

  /// Removes what stands behind the end: bytes of a process that was killed.
  package func cut() throws {
    if isCut { return }
    try descriptor.resize(to: offset - UInt64(pending.count))
    isOnDisk = false
    isCut = true
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws {
    try cut()
    offset += UInt64(bytes.count)
    hash.add(bytes)
    if bytes.count >= Self.directSize {
      try flush()
      return try bytes.withUnsafeBytes { try writeOut($0) }
    }
    pending.append(contentsOf: bytes)
    if pending.count >= Self.blockSize { try flush() }
  }

  /// Writes out the buffer.
  package func flush() throws {
    if pending.isEmpty { return }
    try pending.withUnsafeBytes { try writeOut($0) }
    pending.removeAll(keepingCapacity: true)
  }

  private func writeOut(_ bytes: UnsafeRawBufferPointer) throws {
    isOnDisk = false
    try descriptor.write(bytes)
    waiting = waiting.lowerBound..<waiting.upperBound + UInt64(bytes.count)
    if waiting.count >= Self.startSize {
      descriptor.startSynchronizing(waiting)
      waiting = waiting.upperBound..<waiting.upperBound
    }
  }

  /// Bytes that were written.
  ///
  /// - Throws: When the file ends before them.
  package func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    try flush()
    let (end, isTooLarge) = offset.addingReportingOverflow(UInt64(max(0, count)))
    var read = 0
    // Asked for more than there is, it makes no room first.
    if count >= 0, !isTooLarge, end <= self.offset {
      let bytes = try [UInt8](unsafeUninitializedCapacity: max(1, count)) { buffer, size in
        read = try descriptor.read(
          into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]), at: offset)
        size = read
      }
      if read == count { return bytes }
    }
    throw PipelineError(
      .invalidData,
      "\(descriptor.path) ends before byte \(end), which was written; restore it from a copy, or start again with --overwrite"
    )
  }

  /// Waits until what has been written out is on the disk; what is still buffered stays where it is.
  package func synchronizeWritten() throws {
    if isOnDisk { return }
    try descriptor.synchronize()
    isOnDisk = true
    waiting = waiting.upperBound..<waiting.upperBound
  }

  /// Writes out the buffer and waits until it is on the disk.
  package func synchronize() throws {
    try flush()
    try synchronizeWritten()
  }
}

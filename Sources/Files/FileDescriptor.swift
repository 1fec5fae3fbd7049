// SPDX-License-Identifier: Apache-2.0
import CDirectIO
package import Foundation
import PipelineCore

/// An open file descriptor, closed with the object.
package final class FileDescriptor: Sendable {
  /// The system's number of it.
  package let rawValue: Int32
  /// The path as the user named it, for messages.
  package let path: String
  private let closes: Bool

  /// Takes over an open descriptor.
  package init(_ rawValue: Int32, path: String, closes: Bool = true) {
    self.rawValue = rawValue
    self.path = path
    self.closes = closes
  }

  /// Opens a file, following links, as the user named it.
  ///
  /// - Parameter action: What the error says could not be done.
  package convenience init(
    opening path: String, _ flags: Int32, mode: mode_t = 0o666, or action: String = "cannot open"
  ) throws {
    let rawValue = uninterrupted { open(path, flags | O_CLOEXEC, mode) }
    guard rawValue >= 0 else { throw SystemError.current(action, path) }
    self.init(rawValue, path: path)
  }

  deinit { if closes { close(rawValue) } }

  /// The file's status: kind, size, time of change.
  package func status() throws -> stat {
    var status = stat()
    guard fstat(rawValue, &status) == 0 else { throw SystemError.current("cannot look at", path) }
    return status
  }

  /// The file's size in bytes.
  package func size() throws -> UInt64 { UInt64(try status().st_size) }

  /// Waits until what was written is on the disk.
  package func synchronize() throws {
    guard uninterrupted({ fsync(rawValue) }) == 0 else { throw SystemError.current("cannot write", path) }
  }

  /// Lets the system begin to bring bytes to the disk, where it can; ``synchronize()`` has less to wait for then.
  package func startSynchronizing(_ bytes: Range<UInt64>) {
    #if os(Linux)
      // Linux begins to write what is to leave its cache, and keeps it until it is written.
      _ = posix_fadvise(rawValue, off_t(bytes.lowerBound), off_t(bytes.count), POSIX_FADV_DONTNEED)
    #endif
  }

  /// Cuts the file, or lengthens it with zeros.
  package func resize(to size: UInt64) throws {
    guard uninterrupted({ ftruncate(rawValue, off_t(size)) }) == 0 else {
      throw SystemError.current("cannot write", path)
    }
  }

  /// Reads at the descriptor's own position; retries when interrupted.
  ///
  /// - Returns: How many bytes were read; 0 at the end.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      try waitForInput()
      let count = Foundation.read(rawValue, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { throw SystemError.current("cannot read", path) }
    }
  }

  /// Waits until there is something to read, so that Ctrl-C need not wait for the writer of a pipe.
  private func waitForInput() throws {
    var request = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
    while poll(&request, 1, 100) == 0 { try Task.checkCancellation() }
  }

  /// Reads at a given offset until `buffer` is full or the file ends.
  ///
  /// - Returns: How many bytes were read.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
    var done = 0
    while done < buffer.count {
      let count = pread(
        rawValue, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset) + off_t(done))
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError.current("cannot read", path)
      }
      done += count
    }
    return done
  }

  /// Writes all of `bytes` at the descriptor's own position.
  ///
  /// - Throws: ``ClosedPipe`` when the reader of a pipe has gone.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let count = Foundation.write(rawValue, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EPIPE { throw ClosedPipe() }
        throw SystemError.current("cannot write", path)
      }
      done += count
    }
  }

  /// Writes all of `bytes` at a given offset.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
    var done = 0
    while done < bytes.count {
      // One call writes less than 2 GiB.
      let count = pwrite(
        rawValue, bytes.baseAddress?.advanced(by: done), min(bytes.count - done, 1 << 30), off_t(offset) + off_t(done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError.current("cannot write", path, code: count == 0 ? ENOSPC : errno) }
      done += count
    }
  }

  /// Writes whole pages of memory to whole pages of the file, past the system's cache.
  ///
  /// Nobody else may write with this descriptor meanwhile.
  /// - Parameter bytes: Less than 2 GiB.
  /// - Returns: False where that cannot be done, or not to the end: ``write(_:at:)`` then does it, or says why not.
  func writePastCache(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws -> Bool {
    let count = uninterrupted { Int32(direct_io_write(rawValue, bytes.baseAddress, bytes.count, Int64(offset))) }
    if count >= 0 { return Int(count) == bytes.count }
    if errno == EINVAL || errno == EOPNOTSUPP { return false }
    throw SystemError.current("cannot write", path)
  }

  /// Reads the file from its beginning, part by part.
  ///
  /// - Parameters:
  ///   - limit: How many bytes to read at most; nil for all.
  ///   - body: Gets each part.
  package func forEachPart(limit: UInt64? = nil, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let size = 1 << 20
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
    defer { buffer.deallocate() }
    var offset: UInt64 = 0
    while true {
      let wanted = limit.map { min(UInt64(size), $0 - offset) } ?? UInt64(size)
      if wanted == 0 { return }
      let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(wanted)]), at: offset)
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += UInt64(count)
    }
  }

  /// The SHA-256 of the file's first bytes, in hexadecimal digits; what it takes is the time of reading them.
  ///
  /// - Parameter limit: How many bytes; nil for all.
  package func sha256(limit: UInt64? = nil) throws -> SHA256 {
    var hash = SHA256()
    try forEachPart(limit: limit) {
      try Task.checkCancellation()
      hash.add($0)
    }
    return hash
  }
}

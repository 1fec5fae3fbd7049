// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A stream of decompressed bytes that can be read once.
protocol ByteSource: AnyObject, Sendable {
  /// Fills a part of `buffer` and returns how many bytes that were; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// An open file descriptor, closed with the object.
final class FileDescriptor: Sendable {
  let rawValue: Int32
  /// The path as the user named it.
  let path: String
  private let closes: Bool

  init(_ rawValue: Int32, path: String, closes: Bool = true) {
    self.rawValue = rawValue
    self.path = path
    self.closes = closes
  }

  deinit { if closes { close(rawValue) } }

  /// The file's status: type, size, modification time.
  func status() throws -> stat {
    var status = stat()
    guard fstat(rawValue, &status) == 0 else { throw SystemError.current("cannot look at", path) }
    return status
  }

  /// Waits until what was written is on the disk.
  func synchronize() throws {
    guard fsync(rawValue) == 0 else { throw SystemError.current("cannot write", path) }
  }

  /// Reads at the descriptor's own position; retries when interrupted.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      try waitForInput()
      let count = Foundation.read(rawValue, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { throw SystemError.current("cannot read", path) }
    }
  }

  /// Waits until there is something to read, so that Ctrl-C does not have to wait for the writer of a pipe.
  private func waitForInput() throws {
    var request = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
    while poll(&request, 1, 100) == 0 { try Task.checkCancellation() }
  }

  /// Reads at a given offset until `buffer` is full or the file ends.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
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
  func write(_ bytes: UnsafeRawBufferPointer) throws {
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
}

/// The reader of our output has stopped reading, as `head` does.
public struct ClosedPipe: Error {
  /// Marks the event.
  public init() {}
}

/// Errors of the operating system, with a remedy.
enum SystemError {
  /// The current error in `errno`.
  static func current(_ action: String, _ path: String, code: Int32 = errno) -> PipelineError {
    let remedy: String
    switch code {
    case ENOENT where action == "cannot write": remedy = "there is no such folder; make it, or name another file"
    case ENOENT: remedy = "no such file; check the path"
    case EACCES, EPERM: remedy = "permission denied; check who may read and write it"
    case EISDIR: remedy = "it is a directory; name a file"
    case ENOSPC: remedy = "the disk is full; nothing that was complete is lost, free some space and run again"
    case EFBIG: remedy = "the file would be larger than the system allows; raise the limit with ulimit -f"
    case EDQUOT: remedy = "the disk quota is used up; free some space and run again"
    case ENOTDIR: remedy = "a part of the path is not a directory"
    case EBADF, EINVAL: remedy = "it is closed, or cannot be used for that; redirect it to a file or a pipe"
    case EMFILE, ENFILE: remedy = "too many open files; raise the limit with ulimit -n"
    default: remedy = String(cString: strerror(code))
    }
    return PipelineError(.inputOutput, "\(action) \(path): \(remedy)")
  }
}

/// The bytes of a file or pipe, unchanged.
final class PlainByteSource: ByteSource {
  private let descriptor: FileDescriptor

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try descriptor.read(into: buffer) }
}

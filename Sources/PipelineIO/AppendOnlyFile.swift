// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A file that grows step by step and can be cut back to the end of a step.
public final class AppendOnlyFile {
  /// The number of bytes written, including those of earlier runs.
  public private(set) var offset: UInt64
  private let descriptor: FileDescriptor
  private var pending: [UInt8] = []

  private static let blockSize = 1 << 20

  /// Opens or creates the file and cuts it to `offset`, which removes what a killed run wrote after it.
  ///
  /// - Throws: When the file is shorter than `offset`: something outside has changed it.
  public init(path: String, offset: UInt64 = 0) throws {
    let rawValue = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard rawValue >= 0 else { throw SystemError.current("cannot write", path) }
    descriptor = FileDescriptor(rawValue, path: path)
    guard try UInt64(descriptor.status().st_size) >= offset else {
      throw PipelineError(
        .invalidData, "\(path) is shorter than when the run stopped; start again with --overwrite")
    }
    guard ftruncate(rawValue, off_t(offset)) == 0, lseek(rawValue, off_t(offset), SEEK_SET) >= 0 else {
      throw SystemError.current("cannot write", path)
    }
    self.offset = offset
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws {
    offset += UInt64(bytes.count)
    if pending.isEmpty, bytes.count >= Self.blockSize {
      return try bytes.withUnsafeBytes { try descriptor.write($0) }
    }
    pending.append(contentsOf: bytes)
    if pending.count >= Self.blockSize { try flush() }
  }

  /// Writes out the buffer.
  public func flush() throws {
    try pending.withUnsafeBytes { try descriptor.write($0) }
    pending.removeAll(keepingCapacity: true)
  }

  /// Writes out the buffer and waits until it is on the disk.
  public func synchronize() throws {
    try flush()
    try descriptor.synchronize()
  }
}

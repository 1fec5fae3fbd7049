// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore
import Synchronization

/// Record bytes in a file that can be read again by offset.
///
/// It keeps no bytes in memory: a record is read on demand.
final class FileRecordStorage: RecordStorage {
  private let descriptor: FileDescriptor

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  func withBytes<Result>(
    at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { buffer in
      guard try descriptor.read(into: buffer, at: offset) == count else {
        throw PipelineError(
          .invalidData,
          "\(descriptor.path) became shorter while it was being read; run again when it is no longer being written")
      }
      return try body(UnsafeRawBufferPointer(buffer))
    }
  }
}

/// A file without a name, for bytes that cannot be read again from their source.
///
/// It is in the system's folder for temporary files and disappears with the process, however that ends.
final class SpoolFile: Sendable {
  let descriptor: FileDescriptor
  private let end = Mutex<UInt64>(0)

  init() throws { descriptor = try TemporaryFile.make() }

  /// Appends bytes and returns the offset at which they start.
  func append(_ bytes: [UInt8]) throws -> UInt64 {
    try end.withLock { end in
      try bytes.withUnsafeBytes { try descriptor.write($0) }
      defer { end += UInt64(bytes.count) }
      return end
    }
  }
}

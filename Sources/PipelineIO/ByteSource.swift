// SPDX-License-Identifier: Apache-2.0
import Files

/// A stream of decompressed bytes that can be read once.
protocol ByteSource: AnyObject, Sendable {
  /// Fills a part of `buffer` and returns how many bytes that were; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// The bytes of a file or pipe, unchanged.
final class PlainByteSource: ByteSource {
  private let descriptor: FileDescriptor

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try descriptor.read(into: buffer) }
}

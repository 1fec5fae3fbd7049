// SPDX-License-Identifier: Apache-2.0
import Files
import Synchronization

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

/// The next bytes of a file, as many as were asked for.
final class PartByteSource: ByteSource {
  private let descriptor: FileDescriptor
  private let left: Mutex<Int>

  init(_ descriptor: FileDescriptor, count: Int) {
    self.descriptor = descriptor
    left = Mutex(count)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try left.withLock { left in
      if left == 0 { return 0 }
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(left, buffer.count)])
      let count = try descriptor.read(into: part)
      left -= count
      return count
    }
  }
}

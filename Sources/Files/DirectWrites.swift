// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// Writes blocks to a file past the system's cache, one at a time, while its caller fills the next.
///
/// What a run writes is read by nobody soon. Written through the cache it would be copied once more, take memory from what is
/// being read, and have to be waited for at the end. The caller's thread has other work than to wait for the disk, so that a
/// thread of its own does, which hardly needs a processor.
final class DirectWrites: Sendable {
  private struct Standing {
    var isPossible = true
    var failure: (any Error)?
  }

  private let descriptor: FileDescriptor
  private let queue = DispatchQueue(label: "shuffle-r1.direct-writes")
  private let standing = Mutex(Standing())

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// Whether blocks can be written so, as far as it is known.
  var isPossible: Bool { standing.withLock { $0.isPossible } }

  /// Begins to write a block when the one before is written.
  ///
  /// - Parameters:
  ///   - block: Full; not to be changed before ``finish()``, or before the next call has returned.
  ///   - first: The first byte of the block that is written.
  ///   - offset: Where that goes. Both are multiples of ``WriteBlock/alignment``.
  /// - Throws: What the block before could not be written for.
  func write(_ block: WriteBlock, from first: Int, at offset: UInt64) throws {
    try finish()
    queue.async { [self] in
      do {
        let bytes = UnsafeRawBufferPointer(rebasing: block.bytes[first...])
        if try descriptor.writePastCache(bytes, at: offset) { return }
        standing.withLock { $0.isPossible = false }
        try descriptor.write(bytes, at: offset)
      } catch {
        standing.withLock { $0.failure = error }
      }
    }
  }

  /// Waits until all is written.
  ///
  /// - Throws: What it could not be written for; the file is of no use then.
  func finish() throws {
    queue.sync {}
    if let failure = standing.withLock({ $0.failure }) { throw failure }
  }
}

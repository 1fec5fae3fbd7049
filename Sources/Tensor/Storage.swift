// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Memory for matrices that is reused: pages stay mapped from one step to the next.
package final class MemoryPool: Sendable {
  private struct State {
    var free: [Int: [UInt]] = [:]
    var freeBytes = 0
    var usedBytes = 0
    var peakBytes = 0
  }
  private let state = Mutex(State())

  /// The peak of the memory in use so far.
  package var peakBytes: Int { state.withLock { $0.peakBytes } }

  /// An empty pool.
  package init() {}

  deinit { trim() }

  /// Returns unused memory to the system.
  package func trim() {
    let unused = state.withLock { state in
      defer {
        state.free = [:]
        state.freeBytes = 0
      }
      return state.free.values.flatMap(\.self)
    }
    for address in unused { free(UnsafeMutableRawPointer(bitPattern: address)) }
  }

  /// The size that is really allocated: steps of an eighth of a power of two, so that similar sizes share memory.
  static func rounded(_ bytes: Int) -> Int {
    let bytes = max(bytes, 256)
    let step = max(64, (1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)) / 8)
    return (bytes + step - 1) / step * step
  }

  func take(_ size: Int) -> UnsafeMutableRawPointer {
    let known = state.withLock { state in
      state.usedBytes += size
      state.peakBytes = max(state.peakBytes, state.usedBytes)
      guard let address = state.free[size]?.popLast() else { return UInt(0) }
      state.freeBytes -= size
      return address
    }
    if let pointer = UnsafeMutableRawPointer(bitPattern: known) { return pointer }
    var pointer: UnsafeMutableRawPointer?
    let status = posix_memalign(&pointer, 64, size)
    guard status == 0, let pointer else { Self.endForLackOfMemory(size) }
    return pointer
  }

  /// Ends the process with a sentence: nothing that computes can go on, and what is on the disk is complete.
  private static func endForLackOfMemory(_ size: Int) -> Never {
    let sentence =
      "shuffle-r1: error: out of memory: \(size) bytes for a matrix cannot be had; lower rows_per_micro_batch, raise the "
      + "limit (ulimit -v), or free memory. A run continues with --resume\n"
    let bytes = Array(sentence.utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    _exit(1)
  }

  func put(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
    state.withLock { state in
      state.usedBytes -= size
      state.freeBytes += size
      state.free[size, default: []].append(UInt(bitPattern: pointer))
    }
  }
}

/// A piece of a pool, returned with its last owner.
final class Storage {
  let pointer: UnsafeMutableRawPointer
  private let size: Int
  private let pool: MemoryPool

  init(bytes: Int, pool: MemoryPool) {
    size = MemoryPool.rounded(bytes)
    pointer = pool.take(size)
    self.pool = pool
  }

  deinit { pool.put(pointer, size) }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// A block of memory for record bytes that are kept: it is filled once, from its start, and given back with its last reference.
///
/// The system hands out its pages in large pieces where it can. In pages of 4 KiB, getting them takes longer than writing them.
final class KeptBlock: RecordStorage, @unchecked Sendable {
  /// The bytes of a block.
  static let size = 16 << 20
  private let memory: UnsafeMutableRawBufferPointer
  /// How much is filled; what lies before it never changes.
  private var count = 0

  /// An empty block; nil without the memory for it.
  init?() {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let address = mmap(nil, Self.size, PROT_READ | PROT_WRITE, flags, -1, 0), address != MAP_FAILED else {
      return nil
    }
    #if os(Linux)
      madvise(address, Self.size, Int32(MADV_HUGEPAGE))
    #endif
    memory = UnsafeMutableRawBufferPointer(start: address, count: Self.size)
  }

  deinit { munmap(memory.baseAddress, memory.count) }

  /// Adds bytes and returns where they start; nil if there is no room for them.
  ///
  /// Called from one thread at a time.
  func append(_ bytes: [UInt8]) -> UInt64? {
    guard bytes.count <= memory.count - count else { return nil }
    bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: $0) }
    defer { count += bytes.count }
    return UInt64(count)
  }

  func withBytes<Result>(
    at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try body(UnsafeRawBufferPointer(rebasing: memory[Int(offset)..<Int(offset) + count]))
  }
}

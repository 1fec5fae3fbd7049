// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Encodes a list of items on several threads and passes on the bytes in order.
package enum ParallelEncoding {
  /// Calls `encode` for `0 ..< count` and `write` with the bytes of each chunk of items, in order.
  ///
  /// Chunks have a fixed number of items, so that the calls of `write` do not depend on `threads`.
  package static func run(
    count: Int, chunk: Int = 128, threads: Int, isolation: isolated (any Actor)? = #isolation,
    encode: @escaping @Sendable (Int, inout [UInt8]) throws -> Void, write: ([UInt8]) throws -> Void
  ) async throws {
    var inFlight: ArraySlice<Task<Buffer, any Error>> = []
    defer { for task in inFlight { task.cancel() } }
    var free: [Buffer] = []
    var next = 0
    while next < count || !inFlight.isEmpty {
      while next < count, inFlight.count <= threads {
        let range = next..<min(next + chunk, count)
        next = range.upperBound
        let buffer = free.popLast() ?? Buffer()
        if threads == 1 {
          try buffer.fill(range, encode)
          try write(buffer.bytes)
          free.append(buffer)
        } else {
          inFlight.append(
            Task {
              try buffer.fill(range, encode)
              return buffer
            })
        }
      }
      if let buffer = try await inFlight.popFirst()?.value {
        try write(buffer.bytes)
        free.append(buffer)
      }
    }
  }

  /// The bytes of a chunk, which are filled by one task, written, and filled anew: fresh memory costs more than encoding.
  private final class Buffer: @unchecked Sendable {
    private(set) var bytes: [UInt8] = []

    func fill(_ range: Range<Int>, _ encode: (Int, inout [UInt8]) throws -> Void) throws {
      var filled: [UInt8] = []
      // A variable of the function's own: access to one of an object is checked at each item.
      swap(&filled, &bytes)
      defer { swap(&filled, &bytes) }
      filled.removeAll(keepingCapacity: true)
      for index in range { try encode(index, &filled) }
    }
  }
}

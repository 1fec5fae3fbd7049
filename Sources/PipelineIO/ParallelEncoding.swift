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
    var inFlight: [Task<[UInt8], any Error>] = []
    defer { for task in inFlight { task.cancel() } }
    var next = 0
    while next < count || !inFlight.isEmpty {
      while next < count, inFlight.count <= threads {
        let range = next..<min(next + chunk, count)
        next = range.upperBound
        if threads == 1 {
          try write(try bytes(of: range, encode))
        } else {
          inFlight.append(Task { try bytes(of: range, encode) })
        }
      }
      if !inFlight.isEmpty { try write(try await inFlight.removeFirst().value) }
    }
  }

  private static func bytes(
    of range: Range<Int>, _ encode: @Sendable (Int, inout [UInt8]) throws -> Void
  ) throws -> [UInt8] {
    var output: [UInt8] = []
    for index in range { try encode(index, &output) }
    return output
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import KernelCheck
import PipelineCore
import Tensor

/// What the cores of a machine can do at most, on some threads at once; measured in the run whose parts it is compared with.
struct MachineLimits {
  /// Multiply-adds a second of the instruction set in use.
  let multiplyAdds: Double
  /// Bytes that are read from memory in a second.
  let bytes: Double

  private static let bufferBytes = 128 << 20

  /// Measures both: the best of many short rounds, so that other work on the machine counts little.
  init(threads: Int) {
    let workers = Workers(threads: threads)
    let clock = ContinuousClock()

    /// The most of `count` rounds, in units a second of all threads.
    func best(_ count: Int, _ units: Double, _ body: (Int) -> Void) -> Double {
      (0..<count).reduce(0) { best, _ in
        let started = clock.now
        workers.forEach(threads, body)
        return max(best, units / ((clock.now - started) / .seconds(1)))
      }
    }

    let rounds = 400_000
    let each = Double(kc_multiply_adds(rounds))
    multiplyAdds = best(60, Double(threads) * each) { _ in _ = kc_multiply_adds(rounds) }
    // Larger than caches.
    let buffers = (0..<threads).map { _ in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferBytes, alignment: 64)
      _ = buffer.initializeMemory(as: UInt8.self, repeating: 1)
      return buffer
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    nonisolated(unsafe) let shared = buffers
    bytes = best(12, Double(threads * Self.bufferBytes)) { _ = kc_read(shared[$0].baseAddress, Self.bufferBytes) }
  }

  /// The seconds that work takes at least, and what binds it.
  func seconds(_ work: WorkCount) -> (seconds: Double, binds: String) {
    let (computing, reading) = (work.multiplyAdds / multiplyAdds, work.bytes / bytes)
    return computing >= reading ? (computing, "multiply-adds") : (reading, "memory")
  }

  var json: JSONValue {
    ["multiply_adds_per_second": .number(multiplyAdds), "bytes_per_second": .number(bytes)]
  }
}

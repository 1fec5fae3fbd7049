// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Threads that share loops.
///
/// Work is divided into parts by its shape, never by the number of threads, so that results do not depend on it.
package final class Workers: Sendable {
  /// The number of threads, including the caller's.
  package let count: Int
  nonisolated(unsafe) private let pool: OpaquePointer?

  /// This many threads, at least one.
  package init(threads: Int) {
    count = max(1, threads)
    pool = count > 1 ? ck_pool_create(count) : nil
  }

  deinit { ck_pool_destroy(pool) }

  /// Calls `body` with every index below `count`, in any order, on all threads; returns when all are done.
  ///
  /// Calls must write to different places. A loop within a loop runs on the calling thread alone.
  package func forEach(_ count: Int, _ body: (Int) -> Void) {
    guard let pool, count > 1 else {
      for index in 0..<max(0, count) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      var body = body
      withUnsafeMutablePointer(to: &body) { context in
        ck_pool_run(
          pool, count, { context, index in context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index) },
          context)
      }
    }
  }

  /// Divides `count` elements into parts of `part` and calls `body` with each range.
  package func forEachPart(of count: Int, size part: Int, _ body: (Range<Int>) -> Void) {
    let part = max(1, part)
    forEach((count + part - 1) / part) { index in body(index * part..<min(count, (index + 1) * part)) }
  }
}

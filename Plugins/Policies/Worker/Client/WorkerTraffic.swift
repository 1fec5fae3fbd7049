// SPDX-License-Identifier: Apache-2.0

/// What has passed between a pipeline and a worker, and what it took beside the computation.
package struct WorkerTraffic: Sendable, Hashable {
  /// Requests of one kind.
  package struct Requests: Sendable, Hashable {
    /// How many.
    package var count = 0
    /// From the first byte out to the last byte in, all together.
    package var seconds = 0.0
    /// What the worker says it was busy with them.
    package var workerSeconds = 0.0
  }

  /// Bytes sent to the worker.
  package var bytesOut = 0
  /// Bytes that came from it.
  package var bytesIn = 0
  /// Requests by kind.
  package var requests: [String: Requests] = [:]

  mutating func add(_ kind: String, _ duration: Duration, of workerSeconds: Double) {
    requests[kind, default: Requests()].count += 1
    requests[kind, default: Requests()].seconds += duration / .seconds(1)
    requests[kind, default: Requests()].workerSeconds += workerSeconds
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The traffic between a pipeline and a worker, and the time it took in addition to the computation.
package struct WorkerTraffic: Sendable, Hashable {
  /// Requests of one kind.
  package struct Requests: Sendable, Hashable {
    /// Their number.
    package var count = 0
    /// The total time from the first byte sent to the last byte received.
    package var seconds = 0.0
    /// The time that the worker reports for them.
    package var workerSeconds = 0.0
  }

  /// Bytes sent to the worker.
  package var bytesOut = 0
  /// Bytes received from it.
  package var bytesIn = 0
  /// Requests by kind.
  package var requests: [String: Requests] = [:]

  mutating func add(_ kind: String, _ duration: Duration, of workerSeconds: Double) {
    requests[kind, default: Requests()].count += 1
    requests[kind, default: Requests()].seconds += duration / .seconds(1)
    requests[kind, default: Requests()].workerSeconds += workerSeconds
  }
}

// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation

/// The connection between a pipeline and a worker, wherever it runs.
///
/// There may be one reader and one writer at a time.
protocol WorkerStream: Sendable {
  /// Reads this many bytes; nil if the worker has closed its end before the first of them.
  ///
  /// - Throws: ``ChildFailure``.
  func read(count: Int, before deadline: ContinuousClock.Instant) async throws -> [UInt8]?

  /// Writes all bytes.
  ///
  /// - Throws: ``ChildFailure``.
  func write(_ bytes: [UInt8], before deadline: ContinuousClock.Instant) async throws

  /// Ends the worker, and returns how it ended.
  ///
  /// - Parameter graceSeconds: The time in which it may end by itself, once it sees that nothing more comes.
  func end(graceSeconds: Double) async -> WorkerEnd
}

/// How a worker ended.
struct WorkerEnd: Sendable, Hashable {
  /// `ended with status 1`.
  let cause: String
  /// The last lines of its standard error, if they are available.
  var lastWords: [String] = []

  /// The number of lines of standard error that are kept.
  static let keptLines = 200
  private static let toldLines = 10
  private static let fault = "worker fault: "

  /// The lines that state the error: those that a rank marks as such, or else the last ones.
  static func telling(_ lines: [String]) -> [String] {
    let faults = lines.compactMap { line in
      line.range(of: fault).map { String(line[$0.upperBound...]) }
    }
    return faults.isEmpty ? lines.suffix(toldLines) : faults
  }
}

/// A worker as a child process, over its pipes.
struct ChildStream: WorkerStream {
  private let child: ChildProcess

  /// Starts the worker.
  init(_ configuration: ChildConfiguration) throws { child = try ChildProcess(configuration) }

  func read(count: Int, before deadline: ContinuousClock.Instant) async throws -> [UInt8]? {
    try await child.bytes(count: count, before: deadline)
  }

  func write(_ bytes: [UInt8], before deadline: ContinuousClock.Instant) async throws {
    try await child.write(bytes, before: deadline)
  }

  func end(graceSeconds: Double) async -> WorkerEnd {
    let exit = await child.end(graceSeconds: graceSeconds)
    return WorkerEnd(
      cause: ChildExit(cause: exit.cause).description, lastWords: WorkerEnd.telling(exit.lastWords))
  }
}

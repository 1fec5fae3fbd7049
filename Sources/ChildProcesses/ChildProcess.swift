// SPDX-License-Identifier: Apache-2.0
import CChildProcess
import Foundation

/// A child process that is spoken to over its standard streams.
///
/// It has its own process group, which is killed as a whole. A separate thread reads and writes the pipes, so that no
/// caller blocks: standard error is always read, standard output as far as it is asked for. When this process dies, the
/// child's input is closed, and on Linux it gets `SIGTERM`.
///
/// There may be one reader and one writer at a time. After a timeout a message is half read or half written: end the
/// child then.
package final class ChildProcess: Sendable {
  /// Its process id, which is also that of its group.
  package let identifier: Int32
  private let pipes: ChildPipes

  /// Starts a program.
  ///
  /// - Throws: ``ChildFailure/notStarted(_:)``.
  package init(_ configuration: ChildConfiguration) throws {
    pipes = try ChildPipes(configuration)
    identifier = pipes.identifier
  }

  deinit { pipes.kill() }

  /// Writes bytes to the child's standard input.
  ///
  /// - Parameter deadline: When to give up; nil for never.
  /// - Throws: ``ChildFailure``, or that the task was cancelled.
  package func write(_ bytes: [UInt8], before deadline: ContinuousClock.Instant? = nil) async throws {
    if bytes.isEmpty { return }
    let ticket = pipes.ticket()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        pipes.submit(PendingWrite(ticket: ticket, bytes: bytes, deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      pipes.cancel(ticket)
    }
  }

  /// Queues bytes to be written as the child reads them, and returns at once.
  ///
  /// Bytes that the child never reads are dropped when it ends; a failure shows when its output is read.
  package func send(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    pipes.submit(PendingWrite(ticket: pipes.ticket(), bytes: bytes, deadline: nil, continuation: nil))
  }

  /// Reads one line of the child's standard output, without its line end; nil at the end of the output.
  ///
  /// - Parameters:
  ///   - limit: The most bytes a line may have.
  ///   - deadline: When to give up; nil for never.
  /// - Throws: ``ChildFailure``, or that the task was cancelled.
  package func line(limit: Int, before deadline: ContinuousClock.Instant? = nil) async throws -> [UInt8]? {
    try await read(.line(limit: limit), before: deadline)
  }

  /// Waits for a line of the child's standard output and returns all lines that have arrived, separated by line ends;
  /// nil at the end of the output.
  ///
  /// For many short lines this costs less than ``line(limit:before:)``.
  /// - Parameter limit: The most bytes that the first line may have.
  /// - Throws: ``ChildFailure``, or that the task was cancelled.
  package func lines(limit: Int, before deadline: ContinuousClock.Instant? = nil) async throws -> [UInt8]? {
    try await read(.lines(limit: limit), before: deadline)
  }

  /// Reads this many bytes of the child's standard output; nil if it ended before the first of them.
  ///
  /// - Throws: ``ChildFailure``, ``ChildFailure/closed`` if it ended in the middle, or that the task was cancelled.
  package func bytes(count: Int, before deadline: ContinuousClock.Instant? = nil) async throws -> [UInt8]? {
    count == 0 ? [] : try await read(.exactly(count), before: deadline)
  }

  private func read(_ amount: PendingRead.Amount, before deadline: ContinuousClock.Instant?) async throws -> [UInt8]? {
    if let ready = try pipes.takeReady(amount) { return ready }
    let ticket = pipes.ticket()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        pipes.submit(PendingRead(ticket: ticket, amount: amount, deadline: deadline, continuation: continuation))
      }
    } onCancel: {
      pipes.cancel(ticket)
    }
  }

  /// Closes the child's standard input once everything is written.
  package func closeInput() { pipes.closeInput() }

  /// Allows as many lines of standard error again as the configuration says.
  package func renewErrorLines() { pipes.renewErrorLines() }

  /// Sends `SIGKILL` to the child and everything in its group; returns at once.
  package func kill() { pipes.kill() }

  /// How it ended; nil while it is running.
  package var exit: ChildExit? { pipes.exit }

  /// Waits until the child has ended and is reaped.
  package func wait() async -> ChildExit {
    await withCheckedContinuation { pipes.whenEnded($0) }
  }

  /// Ends the child: closes its input, after a while sends `SIGTERM` to its group, and after the same time again
  /// `SIGKILL`.
  ///
  /// - Returns: How it ended; it is reaped, and no process of its group is left.
  @discardableResult
  package func end(graceSeconds: Double = 2) async -> ChildExit {
    pipes.end(graceSeconds: graceSeconds)
    return await wait()
  }
}

// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import PipelineCore

/// Sends requests to a worker one by one, and receives its answers.
///
/// A worker that dies, stops responding or violates the protocol is ended, and every later request reports why.
actor WorkerConnection {
  /// The version of the protocol; both sides must speak the same.
  static let protocolVersion = 2
  /// Seconds between two heartbeats.
  static let heartbeatSeconds = 1.0
  /// The time for an answer after the worker has been asked to stop.
  private static let cancelSeconds = 60.0
  /// The time in which a worker must end: launchers of several ranks wait for each other.
  private static let closeSeconds = 10.0

  /// A pending request.
  struct Request: Sendable {
    var kind: String
    var members: [JSONValue.Member] = []
    var payloads: [(String, WirePayload)] = []
    /// The longest wait for the answer, in seconds.
    var limit: Double
  }

  let stream: any WorkerStream
  /// The longest time between two heartbeats, in seconds.
  let silence: Double
  /// The traffic so far.
  private(set) var traffic = WorkerTraffic()
  private var lastID = 0
  private var failure: PipelineError?
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ stream: any WorkerStream, silence: Double) {
    self.stream = stream
    self.silence = silence
  }

  /// Sends a request, and returns the final answer.
  ///
  /// - Parameter between: Receives the messages before the final answer; what it returns is sent back.
  /// - Throws: Errors reported by the worker, faults of the worker, errors of `between`, cancellation.
  func ask(
    _ request: Request, between: (WireFrame) throws -> WireFrame? = { _ in nil }
  ) async throws -> WireFrame {
    await begin()
    defer { end() }
    if let failure { throw failure }
    try Task.checkCancellation()
    lastID += 1
    let id = lastID
    let start = ContinuousClock.now
    var deadline = ContinuousClock.now + .seconds(request.limit)
    var stopped: (any Error)?
    do {
      try await send(WireFrame(request.kind, id: id, request.members, payloads: request.payloads), deadline)
      while true {
        if stopped == nil, Task.isCancelled {
          stopped = CancellationError()
          deadline = try await cancel(id)
        }
        let frame = try await next(before: deadline, request.kind)
        if frame.id != id, frame.kind != "heartbeat" {
          throw WireFrame.Fault("it answered request \(frame.id) in the place of \(id)")
        }
        switch frame.kind {
        case "error":
          if let stopped { throw Answer(stopped) }
          throw Answer(Self.error(in: frame))
        case "done", "hello":
          if let stopped { throw Answer(stopped) }
          traffic.add(request.kind, ContinuousClock.now - start, of: frame.header["seconds"]?.doubleValue ?? 0)
          return frame
        case "heartbeat" where frame.id != id: continue
        default:
          if stopped != nil { continue }
          do {
            if let reply = try between(frame) { try await send(reply, deadline) }
          } catch let fault as WireFrame.Fault {
            throw fault
          } catch let failure as ChildFailure {
            throw failure
          } catch {
            stopped = error
            deadline = try await cancel(id)
          }
        }
      }
    } catch let answer as Answer {
      throw answer.error
    } catch {
      let failure = await lost(error, during: request)
      self.failure = failure
      throw failure
    }
  }

  /// Asks the worker to end by itself, with all its ranks.
  func close() async {
    await begin()
    defer { end() }
    if failure != nil { return }
    failure = PipelineError(.policyWorker, "the policy's worker was closed; open the policy anew")
    _ = await stream.end(graceSeconds: Self.closeSeconds)
  }

  /// An error that does not affect the worker.
  private struct Answer: Error {
    let error: any Error
    init(_ error: any Error) { self.error = error }
  }

  // One request at a time.

  private func begin() async {
    if !isBusy {
      isBusy = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  private func end() {
    if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
  }

  // Frames.

  private func send(_ frame: WireFrame, _ deadline: ContinuousClock.Instant) async throws {
    let stream = stream
    let bytes = frame.bytes
    traffic.bytesOut += bytes.count
    // A separate task, so that a cancellation does not interrupt a frame.
    try await Task { try await stream.write(bytes, before: deadline) }.value
  }

  private func cancel(_ id: Int) async throws -> ContinuousClock.Instant {
    let deadline = ContinuousClock.now + .seconds(Self.cancelSeconds)
    try await send(WireFrame("cancel", id: id), deadline)
    return deadline
  }

  private func next(before deadline: ContinuousClock.Instant, _ kind: String) async throws -> WireFrame {
    let stream = stream
    // There are no heartbeats before the first answer.
    let patience = kind == "hello" ? deadline : min(deadline, .now + .seconds(silence))
    let (frame, count) = try await Task {
      // Text instead of a frame may be shorter than one, so the first byte is checked alone.
      guard let first = try await stream.read(count: 1, before: patience) else { throw ChildFailure.closed }
      let rest = max(patience, .now + .seconds(30))
      guard first == [WireFrame.magic[0]] else { throw await Self.strayOutput(first, stream) }
      guard let more = try await stream.read(count: WireFrame.prefixCount - 1, before: rest) else {
        throw ChildFailure.closed
      }
      guard let sizes = try WireFrame.sizes(first + more) else { throw await Self.strayOutput(first + more, stream) }
      guard let header = try await stream.read(count: sizes.header, before: rest),
        let body = try await stream.read(count: sizes.body, before: rest)
      else { throw ChildFailure.closed }
      return (try WireFrame(header: header, body: body), WireFrame.prefixCount + header.count + body.count)
    }.value
    traffic.bytesIn += count
    return frame
  }

  /// The text that was written instead of a frame, up to the end of its line.
  private static func strayOutput(_ start: [UInt8], _ stream: any WorkerStream) async -> StrayOutput {
    var bytes = start
    while bytes.count < 200, bytes.last != 0x0A,
      let next = try? await stream.read(count: 1, before: .now + .milliseconds(200))
    {
      bytes += next
    }
    return StrayOutput(text: String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
  }
}

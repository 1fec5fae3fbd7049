// SPDX-License-Identifier: Apache-2.0
import CChildProcess
import Foundation
import Synchronization

/// The state of a child, shared by its callers and the thread that serves its pipes.
final class ChildPipes: Sendable {
  /// How far the end of the child has progressed.
  enum Ending: Sendable {
    /// It is to keep running.
    case none
    /// It was asked to end, by a closed input or a signal; the next measure, and when.
    case asked(next: Next, at: ContinuousClock.Instant)
    /// It was killed.
    case killed

    enum Next: Sendable { case terminate, kill }
  }

  struct State: Sendable {
    var writes: [PendingWrite] = []
    var read: PendingRead?
    var output = OutputBuffer()
    var closesInput = false
    var isInputClosed = false
    var ending = Ending.none
    var grace = Duration.seconds(2)
    var renewsErrorLines = false
    /// Whether the thread looks for output.
    var looksForOutput = false
    /// The latest time at which the thread checks again; nil for never.
    var looksAround: ContinuousClock.Instant?
    /// When the last reader would have given up: the next reader is likely to have more time.
    var lastReadDeadline: ContinuousClock.Instant?
    var exit: ChildExit?
    var waiting: [CheckedContinuation<ChildExit, Never>] = []
    /// Whether the thread has left its loop, so that the wake-up pipe is no longer read.
    var isOver = false
  }

  let identifier: Int32
  let state = Mutex(State())
  private let wakeUp: Int32
  private let tickets = Atomic(0)

  /// Starts the child on its own thread.
  init(_ configuration: ChildConfiguration) throws {
    var ends: [Int32] = [-1, -1]
    let error = ends.withUnsafeMutableBufferPointer { cc_pipe($0.baseAddress) }
    guard error == 0 else { throw ChildFailure.notStarted(String(cString: strerror(error))) }
    let started = Started()
    let thread = Thread {
      started.run(configuration)
    }
    thread.name = "child process"
    thread.stackSize = 1 << 20
    thread.start()
    started.spawned.wait()
    switch started.result.withLock({ $0 }) {
    case .success(let child): identifier = child.process
    case .failure(let failure):
      close(ends[0])
      close(ends[1])
      throw failure
    case nil: preconditionFailure("the thread of a child signals only after it has tried to start it")
    }
    wakeUp = ends[1]
    started.serve(self, wakeUp: ends[0])
  }

  deinit { close(wakeUp) }

  /// Passes the child from its thread to its owner, and the owner back.
  private final class Started: Sendable {
    let result = Mutex<Result<cc_child, ChildFailure>?>(nil)
    let spawned = DispatchSemaphore(value: 0)
    private let owner = Mutex<(pipes: ChildPipes, wakeUp: Int32)?>(nil)
    private let owned = DispatchSemaphore(value: 0)

    func run(_ configuration: ChildConfiguration) {
      let outcome = ChildStart.spawn(configuration)
      result.withLock { $0 = outcome }
      spawned.signal()
      guard case .success(let child) = outcome else { return }
      owned.wait()
      guard let (pipes, wakeUp) = owner.withLock({ $0 }) else { return }
      var service = ChildService(pipes, child: child, wakeUp: wakeUp, configuration)
      service.run()
    }

    func serve(_ pipes: ChildPipes, wakeUp: Int32) {
      owner.withLock { $0 = (pipes, wakeUp) }
      owned.signal()
    }
  }

  func ticket() -> Int { tickets.wrappingAdd(1, ordering: .relaxed).newValue }

  var exit: ChildExit? { state.withLock { $0.exit } }

  /// The wanted output, if it has already arrived.
  func takeReady(_ amount: PendingRead.Amount) throws -> [UInt8]? {
    try state.withLock { state in
      guard state.read == nil, case .bytes(let bytes) = try state.output.take(amount) else { return nil }
      return bytes
    }
  }

  func submit(_ write: PendingWrite) {
    let refusal: (any Error)? = state.withLock { state in
      if let exit = state.exit { return ChildFailure.ended(exit) }
      if state.isInputClosed || state.closesInput { return ChildFailure.closed }
      state.writes.append(write)
      return nil
    }
    if let refusal { write.continuation?.resume(throwing: refusal) } else { wake() }
    if write.continuation != nil { cancelIfNeeded(write.ticket) }
  }

  func submit(_ read: PendingRead) {
    precondition(state.withLock { $0.read == nil }, "one reader of a child at a time")
    var mustWake = false
    let outcome: Result<[UInt8]?, any Error>? = state.withLock { state in
      do {
        switch try state.output.take(read.amount) {
        case .bytes(let bytes): return .success(bytes)
        case .end: return .success(nil)
        case .nothingYet:
          state.read = read
          state.lastReadDeadline = read.deadline
          let isEarlier = read.deadline.map { deadline in state.looksAround.map { deadline < $0 } ?? true } ?? false
          mustWake = !state.looksForOutput || isEarlier
          return nil
        }
      } catch {
        return .failure(error)
      }
    }
    if let outcome { read.continuation.resume(with: outcome) } else if mustWake { wake() }
    cancelIfNeeded(read.ticket)
  }

  /// A task may have been cancelled before its request was registered.
  private func cancelIfNeeded(_ ticket: Int) {
    if Task.isCancelled { cancel(ticket) }
  }

  func cancel(_ ticket: Int) {
    let (write, read) = state.withLock { state in
      let index = state.writes.firstIndex { $0.ticket == ticket }
      let write = index.map { state.writes.remove(at: $0) }
      let read = state.read?.ticket == ticket ? state.read : nil
      if read != nil { state.read = nil }
      return (write, read)
    }
    write?.continuation?.resume(throwing: CancellationError())
    read?.continuation.resume(throwing: CancellationError())
  }

  func closeInput() {
    state.withLock { $0.closesInput = true }
    wake()
  }

  func renewErrorLines() {
    state.withLock { $0.renewsErrorLines = true }
    wake()
  }

  func kill() {
    state.withLock { $0.ending = .killed }
    wake()
  }

  func end(graceSeconds: Double) {
    state.withLock { state in
      guard case .none = state.ending else { return }
      state.closesInput = true
      state.grace = .seconds(graceSeconds)
      state.ending = .asked(next: .terminate, at: .now + state.grace)
    }
    wake()
  }

  func whenEnded(_ continuation: CheckedContinuation<ChildExit, Never>) {
    let exit = state.withLock { state in
      if state.exit == nil { state.waiting.append(continuation) }
      return state.exit
    }
    if let exit { continuation.resume(returning: exit) }
  }

  private func wake() {
    // Under the lock, so that the pipe has a reader: writing to it must not raise SIGPIPE.
    state.withLock { state in
      if state.isOver { return }
      var byte: UInt8 = 0
      // A full pipe wakes the thread too.
      _ = write(wakeUp, &byte, 1)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import CChildProcess
import Foundation
import Synchronization

/// The work of a child's thread: moves bytes, watches deadlines, and reaps the child when it has ended.
struct ChildService {
  private let pipes: ChildPipes
  private let process: pid_t
  private var input: Int32
  private var output: Int32
  private var errors: Int32
  private let watch: Int32
  private let wakeUp: Int32
  private let onErrorLine: (@Sendable (String) -> Void)?
  private var errorLines: ErrorLines
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)

  /// Output that was not asked for is read up to this size; then the child has to wait.
  private static let outputAhead = 1 << 20
  private static let turnsAtTheEnd = 32
  /// How often to check for the child's end if the system does not report it.
  private static let tickMilliseconds: Int32 = 20

  init(_ pipes: ChildPipes, child: cc_child, wakeUp: Int32, _ configuration: ChildConfiguration) {
    self.pipes = pipes
    (process, input, output, errors) = (child.process, child.input, child.output, child.errors)
    watch = child.watch
    self.wakeUp = wakeUp
    onErrorLine = configuration.onErrorLine
    errorLines = ErrorLines(configuration)
  }

  /// Serves the child until it has ended and is reaped.
  mutating func run() {
    blockSignals()
    while true {
      let plan = plan()
      let ready = wait(plan)
      if ready.errors { pass(readErrors()) }
      if ready.output { readOutput() }
      if ready.input { writeInput() }
      expire()
      advanceEnding()
      if ready.end, cc_has_ended(process) != 0 { break }
    }
    finish()
  }

  /// Writing to a closed pipe must be an error of `write`, not a signal; other signals are for other threads.
  private func blockSignals() {
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, nil)
  }

  private struct Plan {
    var reads: Bool
    var writes: Bool
    var deadline: ContinuousClock.Instant?
  }

  private mutating func plan() -> Plan {
    let (plan, closes, renews) = pipes.state.withLock { state in
      let wanted = state.read?.amount.room ?? 0
      var deadlines = state.writes.compactMap(\.deadline)
      if let deadline = state.read?.deadline { deadlines.append(deadline) }
      if let deadline = state.lastReadDeadline {
        if deadline > .now { deadlines.append(deadline) } else { state.lastReadDeadline = nil }
      }
      if case .asked(_, let moment) = state.ending { deadlines.append(moment) }
      let closes = state.closesInput && state.writes.isEmpty && !state.isInputClosed
      if closes { state.isInputClosed = true }
      let renews = state.renewsErrorLines
      state.renewsErrorLines = false
      let plan = Plan(
        reads: state.output.count < max(wanted, Self.outputAhead), writes: !state.writes.isEmpty,
        deadline: deadlines.min())
      state.looksForOutput = plan.reads
      state.looksAround = plan.deadline
      return (plan, closes, renews)
    }
    if closes { Self.shut(&input) }
    if renews { pass(errorLines.renew()) }
    return plan
  }

  /// What is ready.
  private struct Ready {
    var errors: Bool
    var output: Bool
    var input: Bool
    var end: Bool
  }

  private func wait(_ plan: Plan) -> Ready {
    func entry(_ descriptor: Int32, _ events: Int32) -> pollfd {
      pollfd(fd: descriptor, events: Int16(events), revents: 0)
    }
    var entries = [
      entry(wakeUp, POLLIN), entry(errors, POLLIN), entry(plan.reads ? output : -1, POLLIN),
      entry(plan.writes ? input : -1, POLLOUT), entry(watch, POLLIN),
    ]
    var milliseconds: Int32 = watch < 0 ? Self.tickMilliseconds : -1
    if let deadline = plan.deadline {
      let left = (deadline - .now) / .milliseconds(1)
      let rounded = Int32(max(0, min(left.rounded(.up), 1_000_000)))
      milliseconds = milliseconds < 0 ? rounded : min(milliseconds, rounded)
    }
    guard poll(&entries, nfds_t(entries.count), milliseconds) >= 0 else {
      // Interrupted: check everything.
      return Ready(errors: true, output: plan.reads, input: plan.writes, end: true)
    }
    if entries[0].revents != 0 {
      var ignored: UInt64 = 0
      while read(wakeUp, &ignored, 8) == 8 {}
    }
    return Ready(
      errors: entries[1].revents != 0, output: entries[2].revents != 0, input: entries[3].revents != 0,
      end: watch < 0 || entries[4].revents != 0)
  }

  private func pass(_ lines: [String]) {
    guard let onErrorLine else { return }
    for line in lines { onErrorLine(line) }
  }

  /// Reads once, and closes the descriptor at the end of the stream.
  private func readOnce(_ descriptor: inout Int32) -> UnsafeRawBufferPointer? {
    guard descriptor >= 0 else { return nil }
    let count = read(descriptor, scratch.baseAddress, scratch.count)
    if count > 0 { return UnsafeRawBufferPointer(rebasing: scratch[..<count]) }
    if count == 0 || (errno != EAGAIN && errno != EINTR) { Self.shut(&descriptor) }
    return nil
  }

  private mutating func readErrors() -> [String] {
    guard let bytes = readOnce(&errors) else { return [] }
    return errorLines.add(bytes)
  }

  private mutating func readOutput() {
    let isWanted = pipes.state.withLock { state in
      state.output.count < max(state.read?.amount.room ?? 0, Self.outputAhead)
    }
    guard isWanted, output >= 0 else { return }
    let bytes = readOnce(&output)
    take(bytes, isEnd: output < 0)
  }

  /// Keeps output, and passes it to the waiting reader.
  private func take(_ bytes: UnsafeRawBufferPointer?, isEnd: Bool) {
    let served: (PendingRead, Result<[UInt8]?, any Error>)? = pipes.state.withLock { state in
      if let bytes { state.output.append(bytes) }
      if isEnd { state.output.isEnded = true }
      guard let read = state.read else { return nil }
      do {
        switch try state.output.take(read.amount) {
        case .nothingYet: return nil
        case .bytes(let found):
          state.read = nil
          return (read, .success(found))
        case .end:
          state.read = nil
          return (read, .success(nil))
        }
      } catch {
        state.read = nil
        return (read, .failure(error))
      }
    }
    if let (read, outcome) = served { read.continuation.resume(with: outcome) }
  }

  private mutating func writeInput() {
    let descriptor = input
    let finished: [(PendingWrite, (any Error)?)] = pipes.state.withLock { state in
      var finished: [(PendingWrite, (any Error)?)] = []
      while var pending = state.writes.first {
        let left = pending.bytes.count - pending.written
        let count = pending.bytes.withUnsafeBytes { bytes in
          write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[pending.written...]).baseAddress, left)
        }
        if count < 0 {
          if errno == EAGAIN || errno == EINTR { break }
          // It no longer reads: what is queued will never arrive.
          finished += state.writes.map { ($0, ChildFailure.closed) }
          state.writes = []
          state.closesInput = true
          break
        }
        pending.written += count
        if pending.written < pending.bytes.count {
          state.writes[0] = pending
          break
        }
        state.writes.removeFirst()
        finished.append((pending, nil))
      }
      return finished
    }
    for (pending, failure) in finished {
      if let failure {
        pending.continuation?.resume(throwing: failure)
      } else {
        pending.continuation?.resume()
      }
    }
  }

  private func expire() {
    let now = ContinuousClock.now
    let (writes, read) = pipes.state.withLock { state in
      let late = state.writes.filter { $0.deadline.map { $0 <= now } ?? false }
      if !late.isEmpty { state.writes.removeAll { $0.deadline.map { $0 <= now } ?? false } }
      let read = state.read.flatMap { read in read.deadline.map { $0 <= now } == true ? read : nil }
      if read != nil { state.read = nil }
      return (late, read)
    }
    for write in writes { write.continuation?.resume(throwing: ChildFailure.late) }
    read?.continuation.resume(throwing: ChildFailure.late)
  }

  /// Sends a signal to the group when it is due.
  private func advanceEnding() {
    let signal: Int32? = pipes.state.withLock { state in
      switch state.ending {
      case .none: return nil
      case .killed: return SIGKILL
      case .asked(let next, let moment):
        guard moment <= .now else { return nil }
        if next == .kill {
          state.ending = .killed
          return SIGKILL
        }
        state.ending = .asked(next: .kill, at: .now + state.grace)
        return SIGTERM
      }
    }
    if let signal { killpg(process, signal) }
  }

  /// Takes what the child left in its pipes, kills what is left of its group, reaps it, and notifies all who wait.
  private mutating func finish() {
    // Before it is reaped, while the group id cannot have been reused.
    killpg(process, SIGKILL)
    // A process that left the group may still write; no more than a full pipe can come from the child itself.
    for _ in 0..<Self.turnsAtTheEnd {
      guard let bytes = readOnce(&errors) else { break }
      pass(errorLines.add(bytes))
    }
    for _ in 0..<Self.turnsAtTheEnd {
      guard let bytes = readOnce(&output) else { break }
      take(bytes, isEnd: false)
    }
    pass(errorLines.finish())
    let code = Int(cc_reap(process))
    let exit = ChildExit(cause: code < 0 ? .signal(-code) : .status(code), lastWords: errorLines.last)
    for descriptor in [input, output, errors, watch] where descriptor >= 0 { close(descriptor) }
    scratch.deallocate()
    take(nil, isEnd: true)
    let (writes, waiting) = pipes.state.withLock { state in
      state.exit = exit
      state.isOver = true
      defer { (state.writes, state.waiting) = ([], []) }
      return (state.writes, state.waiting)
    }
    close(wakeUp)
    for write in writes { write.continuation?.resume(throwing: ChildFailure.ended(exit)) }
    for continuation in waiting { continuation.resume(returning: exit) }
  }

  private static func shut(_ descriptor: inout Int32) {
    close(descriptor)
    descriptor = -1
  }
}

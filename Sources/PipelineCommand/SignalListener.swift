// SPDX-License-Identifier: Apache-2.0
import CThreads
import Foundation
import PipelineRuntime
import Synchronization

/// Hears signals on a thread of its own, which is there before any work begins.
///
/// The work's threads may all be busy, or may not be had at all where a limit is reached: who asks the program to end is
/// heard all the same.
final class SignalListener: Sendable {
  /// What is done about signals, all of it on the listener's thread.
  struct Actions: Sendable {
    /// A signal has come; returns after how many seconds `late` is to be called, or nil for never.
    var heard: @Sendable (Int32) -> Double?
    /// The time that `heard` named has passed.
    var late: @Sendable () -> Void = {}
  }

  private let signals: [Int32]

  /// Takes signals from now on; nil where the system gives no thread or no pipe for it.
  ///
  /// There is one at a time for each signal.
  init?(_ signals: [Int32], _ actions: Actions) {
    var ends: [Int32] = [-1, -1]
    guard !signals.isEmpty, pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    self.signals = signals
    let (reading, writing) = (ends[0], ends[1])
    let box = Unmanaged.passRetained(Box { Self.listen(to: reading, actions) })
    let error = ct_start(
      { context in
        guard let context else { return }
        Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
      }, box.toOpaque())
    guard error == 0 else {
      box.release()
      for end in ends { close(end) }
      return nil
    }
    for signal in signals { SignalPipes.set(writing, for: signal) }
  }

  /// Lets the signals do again what they do without it.
  func end() {
    for signal in signals { SignalPipes.clear(signal) }
  }

  private static func listen(to descriptor: Int32, _ actions: Actions) {
    var deadline: ContinuousClock.Instant?
    while true {
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = deadline.map { max(0, ContinuousClock.now.duration(to: $0).inSeconds) }
      let ready = poll(&request, 1, left.map { Int32($0 * 1000) + 1 } ?? -1)
      if ready == 0 {
        deadline = nil
        actions.late()
      } else if ready > 0 {
        var number: UInt8 = 0
        let count = read(descriptor, &number, 1)
        if count == 0 { return }
        guard count == 1, let seconds = actions.heard(Int32(number)) else { continue }
        deadline = .now + .seconds(seconds)
      }
    }
  }

  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }
}

/// Where the handler of each signal writes the signal's number to; a handler may use nothing but such plain memory.
private enum SignalPipes {
  private static let count = 65
  nonisolated(unsafe) private static let descriptors: UnsafeMutablePointer<Int32> = {
    let descriptors = UnsafeMutablePointer<Int32>.allocate(capacity: count)
    descriptors.initialize(repeating: -1, count: count)
    return descriptors
  }()

  static func set(_ descriptor: Int32, for signal: Int32) {
    descriptors[Int(signal)] = descriptor
    var action = sigaction()
    // What is interrupted goes on.
    action.sa_flags = Int32(SA_RESTART)
    let handler: @convention(c) (Int32) -> Void = { number in
      let before = errno
      var byte = UInt8(truncatingIfNeeded: number)
      _ = write(SignalPipes.descriptors[Int(number)], &byte, 1)
      errno = before
    }
    #if os(Linux)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    sigaction(signal, &action, nil)
  }

  static func clear(_ number: Int32) {
    signal(number, SIG_DFL)
    descriptors[Int(number)] = -1
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Ctrl-C, `kill` and what schedulers send: the first signal asks the work to stop where nothing is lost.
///
/// The same once more ends the program, or Ctrl-C after any other. So does a time of grace: work that waits for something
/// outside, such as a pipe that nobody has opened yet, hears nothing.
final class Interruption {
  private struct State {
    var signal: Int32?
    var stop: (@Sendable () -> Void)?
  }

  /// The signals that ask to stop: Ctrl-C and `kill`, a terminal that is gone, and what schedulers send before the time is up.
  static let stopping = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]

  private let listener: SignalListener?
  private let shared: Shared
  private static let graceSeconds = 5.0

  /// The first signal that came.
  var signal: Int32? { shared.state.withLock { $0.signal } }

  /// Takes the signals from now on.
  init(of signals: [Int32]) {
    let shared = Shared()
    self.shared = shared
    // Started by nohup, the program is to outlive its terminal.
    let taken = signals.filter { $0 != SIGHUP || !Self.isIgnored(SIGHUP) }
    listener = SignalListener(
      taken, .init(heard: { Self.take($0, shared) }, late: { Self.endWithoutWaiting(shared) }))
  }

  /// Says how the work is asked to stop; it is at once where a signal has come already.
  func stops(_ stop: @escaping @Sendable () -> Void) {
    let hasCome = shared.state.withLock { state in
      state.stop = stop
      return state.signal != nil
    }
    if hasCome { stop() }
  }

  func end() { listener?.end() }

  /// - Returns: How many seconds the work has to end by itself; nil for as many as it needs.
  private static func take(_ number: Int32, _ shared: Shared) -> Double? {
    let (first, stop) = shared.state.withLock { state in
      defer { state.signal = state.signal ?? number }
      return (state.signal, state.stop)
    }
    if let first {
      // Schedulers send one signal after another, and a lost terminal sends its own twice: no reason for haste.
      if number == SIGINT || number == first && number == SIGTERM { _exit(128 + number) }
      return nil
    }
    stop?()
    if CommandEnvironment.savesWhenInterrupted.withLock({ $0 }) {
      Terminal.say(
        "\nshuffle-r1: stopping: an update that has begun is finished, then a checkpoint is saved; once more ends at once"
      )
      return nil
    }
    return graceSeconds
  }

  private static func endWithoutWaiting(_ shared: Shared) {
    Terminal.say("shuffle-r1: ended before the work could stop by itself; a run continues with --resume")
    _exit(128 + (shared.state.withLock { $0.signal } ?? 0))
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    #if os(Linux)
      let handler = action.__sigaction_handler.sa_handler
    #else
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private final class Shared: Sendable {
    let state = Mutex(State())
  }
}

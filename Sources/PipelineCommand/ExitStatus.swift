// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import PipelineCore
import PipelineIO

/// The meaning of the program's exit status.
package enum ExitStatus: Int32 {
  /// Success.
  case success = 0
  /// The data, a file or a plug-in was at fault.
  case failure = 1
  /// The spec or the command line is wrong; nothing was done.
  case usage = 2
  /// The reader of the output has gone (128 + SIGPIPE), which is not reported.
  case closedPipe = 141
  /// Ctrl-C (128 + SIGINT).
  case interrupted = 130
  /// Ended by `kill` or a scheduler (128 + SIGTERM).
  case terminated = 143
  /// The terminal was closed (128 + SIGHUP).
  case hungUp = 129
  #if os(Linux)
    /// Asked to end by a scheduler (128 + SIGUSR1).
    case userSignal1 = 138
    /// Asked to end by a scheduler (128 + SIGUSR2).
    case userSignal2 = 140
  #else
    /// Asked to end by a scheduler (128 + SIGUSR1).
    case userSignal1 = 158
    /// Asked to end by a scheduler (128 + SIGUSR2).
    case userSignal2 = 159
  #endif

  /// The status that a signal ends the program with; nil for one that it does not take.
  init?(signal: Int32) { self.init(rawValue: 128 + signal) }

  /// The exit status for an error.
  init(_ error: any Error) {
    switch error {
    case is ClosedPipe: self = .closedPipe
    case is CancellationError: self = .interrupted
    case let error as PipelineError: self = Self.status(of: error)
    case let error as PipelineErrors: self = error.errors.first.map(Self.status(of:)) ?? .failure
    default: self = .failure
    }
  }

  private static func status(of error: PipelineError) -> ExitStatus {
    error.code == .invalidSpec || error.code == .registry ? .usage : .failure
  }
}

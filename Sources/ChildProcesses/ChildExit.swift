// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How a child process ended, and its last words.
package struct ChildExit: Sendable, Hashable, CustomStringConvertible {
  /// How it ended.
  package enum Cause: Sendable, Hashable {
    /// By itself, with a status.
    case status(Int)
    /// By a signal.
    case signal(Int)
  }

  /// How it ended.
  package let cause: Cause
  /// The last lines of its standard error.
  package let lastWords: [String]

  /// Describes an exit.
  package init(cause: Cause, lastWords: [String] = []) {
    self.cause = cause
    self.lastWords = lastWords
  }

  /// Whether it ended by itself with status 0.
  package var isSuccess: Bool { cause == .status(0) }

  /// `ended with status 1; its last words: …`.
  package var description: String {
    let end =
      switch cause {
      case .status(let status): "ended with status \(status)"
      case .signal(let number): "was ended by \(Self.name(ofSignal: number))"
      }
    return lastWords.isEmpty ? end : end + "; its last words: " + lastWords.joined(separator: " | ")
  }

  /// The name of a signal as in `kill -l`, or its number.
  package static func name(ofSignal number: Int) -> String {
    names.first { Int($0.0) == number }?.1 ?? "signal \(number)"
  }

  private static let names: [(Int32, String)] = [
    (SIGHUP, "SIGHUP"), (SIGINT, "SIGINT"), (SIGQUIT, "SIGQUIT"), (SIGILL, "SIGILL"), (SIGTRAP, "SIGTRAP"),
    (SIGABRT, "SIGABRT"), (SIGBUS, "SIGBUS"), (SIGFPE, "SIGFPE"), (SIGKILL, "SIGKILL"), (SIGUSR1, "SIGUSR1"),
    (SIGSEGV, "SIGSEGV"), (SIGUSR2, "SIGUSR2"), (SIGPIPE, "SIGPIPE"), (SIGALRM, "SIGALRM"),
    (SIGTERM, "SIGTERM"), (SIGXCPU, "SIGXCPU"), (SIGXFSZ, "SIGXFSZ"), (SIGSYS, "SIGSYS"),
  ]
}

/// A fault in the communication with a child.
package enum ChildFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// It could not be started, with the reason.
  case notStarted(String)
  /// It did not write or read in time.
  case late
  /// It wrote a line longer than this many bytes.
  case tooLong(bytes: Int)
  /// It closed its end: of standard output in the middle of a message, or of standard input.
  case closed
  /// It has ended.
  case ended(ChildExit)

  /// The fault, as the continuation of "the child".
  package var description: String {
    switch self {
    case .notStarted(let reason): "could not be started: \(reason)"
    case .late: "did not answer in time"
    case .tooLong(let bytes): "wrote a line of more than \(bytes) bytes"
    case .closed: "closed its end of a pipe"
    case .ended(let exit): exit.description
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A command of a shell script.
indirect enum ShellCommand: Sendable {
  /// Assignments, then words.
  case simple([ShellAssignment], [[ShellPiece]])
  /// Commands of which each runs if the one before succeeded (`&&`) or failed (`||`).
  case chain(ShellCommand, [(isAnd: Bool, command: ShellCommand)])
  /// `if`, with its branches and what `else` runs.
  case choice([(condition: [ShellCommand], body: [ShellCommand])], otherwise: [ShellCommand])
  /// `for NAME in WORDS`.
  case loop(String, [[ShellPiece]], [ShellCommand])
  /// `case WORD in PATTERN) …`.
  case selection([ShellPiece], [(patterns: [[ShellPiece]], body: [ShellCommand])])
  /// `{ … }`, `( … )`, and the body of `while`.
  case group([ShellCommand])
  /// `NAME() { … }`.
  case function(String, [ShellCommand])
}

/// `NAME=VALUE`, `NAME+=VALUE` or `NAME=(VALUES)`.
struct ShellAssignment: Sendable {
  var name: String
  var appends: Bool
  /// The words of a list; nil for a single value.
  var list: [[ShellPiece]]?
  var value: [ShellPiece]
}

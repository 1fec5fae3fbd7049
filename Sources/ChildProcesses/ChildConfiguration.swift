// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What to start as a child process, and with which limits.
package struct ChildConfiguration: Sendable {
  /// The program and its arguments; they are not passed through a shell.
  ///
  /// A program without a slash is looked up in `PATH`; a relative path is relative to the working folder of this
  /// process.
  package var command: [String]
  /// The child's working folder; nil for that of this process.
  package var folder: String?
  /// Environment variables added to those of this process, or replacing them.
  package var environment: [String: String] = [:]
  /// The most private memory of each of the child's processes, in megabytes; nil for no limit.
  ///
  /// Enforced by the system on Linux (`RLIMIT_DATA`), not enforced elsewhere.
  package var memoryLimitMegabytes: Int?
  /// Is called with each line of standard error, without its line end, on the child's own thread; it should return
  /// quickly.
  package var onErrorLine: (@Sendable (String) -> Void)?
  /// How many lines of standard error are passed on until ``ChildProcess/renewErrorLines()`` allows as many again.
  package var errorLineLimit = 200
  /// The most bytes of a line of standard error; the rest is cut off.
  package var errorLineBytes = 2000
  /// How many of the last lines of standard error are kept as last words.
  package var lastWordsCount = 10

  /// A command with defaults for the rest.
  package init(command: [String]) { self.command = command }

  /// The path of a program: found in `PATH`, or the given path if it is an executable file.
  ///
  /// - Parameter path: The value to use for `PATH`; nil for that of this process.
  package static func location(of program: String, path: String? = nil) -> String? {
    guard !program.isEmpty, !program.utf8.contains(0) else { return nil }
    if program.contains("/") { return isProgram(program) ? program : nil }
    let path = path ?? ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    for folder in path.split(separator: ":", omittingEmptySubsequences: true) {
      let candidate = "\(folder)/\(program)"
      if isProgram(candidate) { return candidate }
    }
    return nil
  }

  /// Whether the file exists and can be read.
  package static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, R_OK) == 0
  }

  private static func isProgram(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What to start as a child process, and within which bounds.
public struct ChildConfiguration: Sendable {
  /// The program and its arguments; no shell looks at them.
  ///
  /// A program without a slash is looked for in `PATH`; a relative path starts from the working folder of this process.
  public var command: [String]
  /// The child's working folder; nil for that of this process.
  public var folder: String?
  /// Variables that are added to those of this process, or take their place.
  public var environment: [String: String] = [:]
  /// The most private memory of each of the child's processes, in megabytes; nil for no limit.
  ///
  /// Kept by the system on Linux (`RLIMIT_DATA`) and not elsewhere.
  public var memoryLimitMegabytes: Int?
  /// Hears each line of standard error, without its line end, on a thread of the child's own: it should not take long.
  public var onErrorLine: (@Sendable (String) -> Void)?
  /// How many lines of standard error are passed on before ``ChildProcess/renewErrorLines()`` allows as many again.
  public var errorLineLimit = 200
  /// A line of standard error is cut off after so many bytes.
  public var errorLineBytes = 2000
  /// How many of the last lines of standard error are kept as last words.
  public var lastWordsCount = 10

  /// A command with defaults for the rest.
  public init(command: [String]) { self.command = command }

  /// Where a program lies: found in `PATH`, or the path itself where it names a file that can be run.
  ///
  /// - Parameter path: What stands for `PATH`; nil for that of this process.
  public static func location(of program: String, path: String? = nil) -> String? {
    guard !program.isEmpty, !program.utf8.contains(0) else { return nil }
    if program.contains("/") { return isProgram(program) ? program : nil }
    let path = path ?? ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    for folder in path.split(separator: ":", omittingEmptySubsequences: true) {
      let candidate = "\(folder)/\(program)"
      if isProgram(candidate) { return candidate }
    }
    return nil
  }

  /// Whether there is a file that can be read.
  public static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, R_OK) == 0
  }

  private static func isProgram(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }
}

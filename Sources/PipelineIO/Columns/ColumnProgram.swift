// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// The Python program that reads and writes files of columns: parquet, Arrow and folders of `datasets`.
///
/// Arrow's own library does the work, since a reader of our own would never follow the format in all it allows. It is
/// optional: ``install(_:)`` makes an environment for it, and any `python3` that has `pyarrow` is taken as well.
package enum ColumnProgram {
  /// The variable that names a Python interpreter with `pyarrow`.
  package static let variable = "SHUFFLE_R1_PYTHON"
  /// The command that installs what is missing.
  package static let installCommand = "shuffle-r1 setup parquet"
  /// The version of `pyarrow` that is installed.
  private static let requirement = "pyarrow>=17"
  /// The status with which the program says that there is no `pyarrow`.
  static let lacksLibrary: Int32 = 3

  static let text = String(decoding: PackageResources.shuffle_r1_columns_py, as: UTF8.self)

  /// The environment that ``install(_:)`` makes.
  package static var environment: String {
    let variables = ProcessInfo.processInfo.environment
    let data = variables["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (data ?? (variables["HOME"] ?? "/tmp") + "/.local/share") + "/shuffle-r1/parquet"
  }

  /// The interpreters to try, in order.
  static var interpreters: [String] {
    let named = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    let own = environment + "/bin/python"
    return named.map { [$0] } ?? [own, "python3"].filter { !$0.hasPrefix("/") || access($0, X_OK) == 0 }
  }

  /// What to say where no interpreter has the library.
  static func lacking(_ path: String) -> PipelineError {
    PipelineError(
      .inputOutput,
      "\(path) is a file of columns (parquet or Arrow), which is read by pyarrow; install it once: \(installCommand), or "
        + "name a Python that has it in \(variable)")
  }

  /// A process that runs the program, not yet started.
  static func process(_ interpreter: String, _ arguments: [String], output: Any, errors: FileDescriptor) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [interpreter, "-c", text] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle(fileDescriptor: errors.rawValue, closeOnDealloc: false)
    return process
  }

  /// The last line that the program has written to standard error.
  static func lastWords(_ errors: FileDescriptor) -> String {
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = (try? bytes.withUnsafeMutableBytes { try errors.read(into: $0, at: 0) }) ?? 0
    let lines = String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isNewline)
    return lines.last.map(String.init) ?? "the Python program that reads it ended without a word"
  }

  /// Makes the environment, showing what the tools say.
  ///
  /// - Parameter say: Is told what is done.
  /// - Throws: When a tool fails.
  package static func install(_ say: (String) -> Void) throws {
    for command in [
      ["python3", "-m", "venv", environment],
      [environment + "/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement],
    ] {
      say(command.joined(separator: " "))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = command
      process.standardOutput = FileHandle.standardError
      try process.run()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else {
        throw PipelineError(
          .inputOutput,
          "'\(command.joined(separator: " "))' ended with status \(process.terminationStatus); its words are above. On "
            + "Debian and Ubuntu, venv is the package python3-venv; pip needs a network, once")
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The built program, run as a child process by a shell, as its users run it.
enum Program {
  /// The folder that the build put the program in, beside the tests.
  static let folder: URL = {
    #if os(macOS)
      if let bundle = Bundle.allBundles.first(where: { $0.bundlePath.hasSuffix(".xctest") }) {
        return bundle.bundleURL.deletingLastPathComponent()
      }
    #endif
    return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  }()

  /// The package's folder.
  static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// What files kept in the repository hold is written anew, not compared.
  static let recordsGoldens = ProcessInfo.processInfo.environment["RECORD_GOLDENS"] == "1"

  /// Starts a line of shell in a folder; `shuffle-r1` is the built program.
  ///
  /// Nothing of this process reaches the child but the path and the choice of kernels: neither its terminal nor its
  /// locale.
  static func start(_ command: String, in folder: String, output: String, errors: String) throws -> pid_t {
    #if os(macOS)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let words: [String] = ["bash", "-c", "cd \"$0\" || exit 99\n" + command, folder]
    var settings: [String] = [
      "PATH=\(Program.folder.path):\(path)", "LC_ALL=C.UTF-8", "COLUMNS=80", "HOME=\(folder)",
      "SHUFFLE_R1_TRUST=\(folder)",
    ]
    for name in ["SHUFFLE_R1_KERNELS", "OPENBLAS_CORETYPE"] {
      if let value = ProcessInfo.processInfo.environment[name] { settings.append("\(name)=\(value)") }
    }
    let arguments = words.map { strdup($0) }
    let variables = settings.map { strdup($0) }
    defer { for pointer in arguments + variables { free(pointer) } }
    var process = pid_t()
    let status = posix_spawnp(&process, "bash", &actions, &attributes, arguments + [nil], variables + [nil])
    guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: status) ?? .EINVAL) }
    return process
  }
}

/// What a child process left.
struct Outcome {
  /// The exit status; 128 and more for a signal, as shells have it.
  let status: Int32
  /// Standard output.
  let output: String
  /// Standard error.
  let errors: String
}

/// A child process at work.
struct RunningProgram {
  let process: pid_t
  let output: String
  let errors: String

  /// Sends a signal.
  func send(_ signal: Int32) { kill(process, signal) }

  /// Waits for the end, which a program that hangs is put to after four minutes.
  func wait() throws -> Outcome {
    let process = process
    let end = DispatchWorkItem { kill(process, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + 240, execute: end)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    end.cancel()
    let signal = status & 0x7F
    return Outcome(
      status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: try text(output), errors: try text(errors))
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }
}

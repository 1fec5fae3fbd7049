// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A folder of its own for a test, in which it runs the program; gone when the test is over.
final class Sandbox: Sendable {
  let path: String

  /// An empty folder.
  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    _ = try? FileManager.default.removeItem(atPath: path)
  }

  /// Runs a line of shell here and waits for its end.
  @discardableResult
  func run(
    _ command: String, environment: [String: String] = [:], source: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let started = try start(command, environment: environment)
    return try started.wait()
  }

  /// Starts a line of shell here.
  func start(_ command: String, environment: [String: String] = [:]) throws -> RunningProgram {
    let name = ".\(UUID())"
    let output = URL(fileURLWithPath: path + "/" + name + ".out")
    let errors = URL(fileURLWithPath: path + "/" + name + ".err")
    let process = try Program.start(command, in: path, output: output, errors: errors, environment: environment)
    return RunningProgram(process: process, output: output, errors: errors)
  }

  /// Writes a file.
  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  /// Writes a file.
  func write(_ name: String, _ data: Data) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  /// A file's bytes; none where there is no such file.
  func bytes(_ name: String) -> Data { FileManager.default.contents(atPath: path + "/" + name) ?? Data() }

  /// A file's text.
  func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

  /// Whether there is such a file.
  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

  /// The visible files of a folder, sorted.
  func files(_ name: String = ".") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + name)) ?? [])
      .filter { !$0.hasPrefix(".") }.sorted()
  }
}

/// A child process at work.
struct RunningProgram {
  let process: Process
  let output: URL
  let errors: URL

  /// Sends a signal.
  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// What it has said on standard error so far.
  var errorsSoFar: String { String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self) }

  /// Waits for the end.
  func wait() throws -> Outcome {
    process.waitUntilExit()
    defer {
      _ = try? FileManager.default.removeItem(at: output)
      _ = try? FileManager.default.removeItem(at: errors)
    }
    let status = process.terminationStatus
    return Outcome(
      status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self), errors: errorsSoFar)
  }
}

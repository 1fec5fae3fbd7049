// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A folder of its own for a test, in which it runs the program; gone when the test is over.
final class Sandbox: Sendable {
  /// The working folder of what is run.
  let path: String
  private let root: String

  /// An empty folder.
  init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID())").path
    path = root + "/work"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    _ = try? FileManager.default.removeItem(atPath: root)
  }

  /// Runs a line of shell here and waits for its end.
  @discardableResult
  func run(_ command: String) throws -> Outcome { try start(command).wait() }

  /// Runs a line of shell that must succeed and returns what it printed.
  @discardableResult
  func output(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let outcome = try run("set -eo pipefail; " + command)
    try #require(outcome.status == 0, "\(command)\n\(outcome.errors)", sourceLocation: sourceLocation)
    return outcome.output
  }

  /// Starts a line of shell here.
  func start(_ command: String) throws -> RunningProgram {
    let name = root + "/\(UUID())"
    let process = try Program.start(command, in: path, output: name + ".out", errors: name + ".err")
    return RunningProgram(process: process, output: name + ".out", errors: name + ".err")
  }

  /// Waits until something has happened; an error after two minutes.
  func wait(for what: String, every seconds: Double = 0.005, until hasHappened: () -> Bool) throws {
    let end = Date.now + 120
    while !hasHappened() {
      try #require(Date.now < end, "\(what) has not come")
      Thread.sleep(forTimeInterval: seconds)
    }
  }

  /// Writes a file.
  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  /// Writes a file.
  func write(_ name: String, _ data: Data) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  /// A file's bytes; none where there is no such file.
  func bytes(_ name: String) -> Data { FileManager.default.contents(atPath: path + "/" + name) ?? Data() }

  /// A file's text.
  func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

  /// Whether there is such a file.
  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

  /// The files under a folder with what they hold, hidden ones too; folders and pipes hold nothing.
  func tree(_ folder: String = "") -> [String: Data] {
    let root = folder.isEmpty ? path : path + "/" + folder
    var files: [String: Data] = [:]
    for name in FileManager.default.subpaths(atPath: root) ?? [] {
      var status = stat()
      let isFile = lstat(root + "/" + name, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      files[name] = isFile ? FileManager.default.contents(atPath: root + "/" + name) ?? Data() : Data()
    }
    return files
  }

  /// What must be the same whenever the same run is done: all of its directory but the clock's figures.
  ///
  /// The state notes how long every file is, so the length of the one with the clock's figures is left out of it.
  func run(in folder: String) -> [String: Data] {
    var files = tree(folder)
    files["timings.jsonl"] = nil
    let state = text(folder + "/state.json").split(separator: "\n").filter { !$0.contains("timings.jsonl") }
    files["state.json"] = Data(state.joined(separator: "\n").utf8)
    return files
  }
}

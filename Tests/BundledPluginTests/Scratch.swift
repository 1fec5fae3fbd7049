// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// A folder of its own for a test; gone when the test is over.
final class Scratch: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { _ = try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file into a folder of this one.
  func write(_ name: String, _ data: Data) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)) }

  /// Copies a file from elsewhere.
  func copy(_ source: String, to name: String) throws {
    try write(name, Data(contentsOf: URL(fileURLWithPath: source)))
  }

  /// What an error says, with this folder left out.
  func message(_ body: () throws -> Void, source: Testing.SourceLocation = #_sourceLocation) -> String {
    do {
      try body()
      Issue.record("no error was thrown", sourceLocation: source)
      return ""
    } catch {
      return "\(error)".replacingOccurrences(of: path + "/", with: "").replacingOccurrences(of: path, with: "FOLDER")
    }
  }
}

/// Files in `Fixtures`.
enum Fixture {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/" + name).path
  }

  /// The JSON values of a file's lines.
  static func lines(_ path: String) throws -> [JSONValue] {
    try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8).split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
  }
}

/// Folders outside of the repository, named by environment variables.
enum Outside {
  /// The oracles.
  static let oracles = ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"]
  /// What `Tests/Parity/qwen_vocabulary.py` wrote.
  static let vocabulary = ProcessInfo.processInfo.environment["SHUFFLE_R1_QWEN_VOCABULARY"]
}

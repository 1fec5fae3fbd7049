// SPDX-License-Identifier: Apache-2.0
import ChildProcesses
import Foundation
import Synchronization

/// Starts a line of shell, for tests: it stands for any program.
func shell(_ script: String, _ change: (inout ChildConfiguration) -> Void = { _ in }) throws -> ChildProcess {
  var configuration = ChildConfiguration(command: ["/bin/sh", "-c", script])
  change(&configuration)
  return try ChildProcess(configuration)
}

/// Lines that were passed on.
final class Lines: Sendable {
  private let state = Mutex<[String]>([])
  func add(_ line: String) { state.withLock { $0.append(line) } }
  var all: [String] { state.withLock { $0 } }
}

extension ChildProcess {
  /// The next line, as text.
  func text(limit: Int = 1 << 20) async throws -> String? {
    try await line(limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// Processes by their number, their parent's, and their state, as the system lists them.
func processes() throws -> [(id: Int32, parent: Int32, group: Int32, state: Character)] {
  try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
    guard let id = Int32(name), let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(end, offsetBy: 2)...].split(separator: " ")
    guard fields.count > 3, let parent = Int32(fields[1]), let group = Int32(fields[2]) else { return nil }
    return (id, parent, group, fields[0].first ?? "?")
  }
}

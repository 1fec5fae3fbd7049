// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// `fake_server.py`, which does what the model that it is asked for is called after; it ends with this object.
package final class FakeServer: Sendable {
  /// The address that a client is given.
  package let url: String
  private let log: String
  private let process = Process()
  private let input = Pipe()

  /// Starts the server.
  ///
  /// - Parameters:
  ///   - key: The key that it wants; nil for any or none.
  ///   - diesAfter: It ends in the middle of the request after so many; 0 for never.
  package init(key: String? = nil, diesAfter: Int = 0) throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("fake_server.py")
    log = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-\(UUID()).log").path
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["python3", script.path, "--log", log] + (key.map { ["--key", $0] } ?? []) + ["--die-after", "\(diesAfter)"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line: [UInt8] = []
    while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A { line.append(byte) }
    url = "http://127.0.0.1:\(String(decoding: line, as: UTF8.self))/v1"
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.terminate()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: log)
  }

  /// What was asked so far, in the order in which it came.
  package func requests() throws -> [JSONValue] {
    String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).split(separator: "\n")
      .compactMap { try? JSONValue(parsing: String($0)) }
  }
}

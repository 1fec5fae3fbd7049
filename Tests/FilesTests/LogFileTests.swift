// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Testing

@Suite("A log", .timeLimit(.minutes(15)))
struct LogFileTests {
  private let path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-log-\(UUID())").path

  private func text(_ suffix: String = "") -> String {
    String(decoding: FileManager.default.contents(atPath: path + suffix) ?? Data(), as: UTF8.self)
  }

  @Test("adds to what is there, and is bounded")
  func bounded() throws {
    defer { for suffix in ["", ".1"] { unlink(path + suffix) } }
    try LogFile(path: path, limit: 12).add("first")
    let log = try LogFile(path: path, limit: 12)
    log.add("again")
    #expect(text() == "first\nagain\n")
    log.add("third")
    #expect(text() == "third\n")
    #expect(text(".1") == "first\nagain\n")
    for _ in 0..<4 { log.add("fourth") }
    #expect(text() == "fourth\n")
    #expect(text(".1") == "fourth\n")
  }
}

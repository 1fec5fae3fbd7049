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

  @Test("one in a folder is bounded too, and is not written through a link")
  func inFolder() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { _ = try? FileManager.default.removeItem(atPath: path) }
    let folder = try Folder(path: path)
    let log = try LogFile(in: folder, name: "logs/a.log", limit: 12)
    for line in ["first", "again", "third"] { log.add(line) }
    #expect(text("/logs/a.log") == "third\n")
    #expect(text("/logs/a.log.1") == "first\nagain\n")
    symlink("/dev/null", path + "/logs/b.log")
    #expect(throws: (any Error).self) { try LogFile(in: folder, name: "logs/b.log") }
  }

  @Test("a full disk does not stop the work, and is noted in the log")
  func full() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let log = try LogFile(path: "/dev/full")
    #expect(throws: Never.self) { log.add("lost") }
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

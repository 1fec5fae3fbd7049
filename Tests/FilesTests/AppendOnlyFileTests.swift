// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import Testing

@Suite("A file that grows", .timeLimit(.minutes(15)))
struct AppendOnlyFileTests {
  private let path: String
  private let folder: Folder

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-append-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    folder = try Folder(path: path)
  }

  private func text() throws -> String { String(decoding: try folder.contents(of: "log") ?? [], as: UTF8.self) }

  /// Writes "first\n" that counts, then "torn" that does not.
  private func killed() throws -> AppendOnlyFile.Extent {
    let file = try AppendOnlyFile(in: folder, name: "log")
    try file.write(Array("first\n".utf8))
    let extent = file.extent
    try file.write(Array("torn".utf8))
    try file.synchronize()
    return extent
  }

  @Test("goes on after the bytes that count; what stands behind them stays until something is written")
  func goesOn() throws {
    let file = try AppendOnlyFile(in: folder, name: "log", after: try killed())
    #expect(try text() == "first\ntorn")
    try file.write(Array("second\n".utf8))
    try file.flush()
    #expect(try text() == "first\nsecond\n")
    #expect(file.offset == 13)
  }

  @Test("the hash is that of all bytes, those of earlier processes included")
  func hash() throws {
    let file = try AppendOnlyFile(in: folder, name: "log", after: try killed())
    try file.write(Array("second\n".utf8))
    var whole = SHA256()
    whole.add(Array("first\nsecond\n".utf8))
    #expect(file.extent == .init(bytes: 13, sha256: whole.digits))
  }

  @Test("other bytes than were written are refused, and stay", arguments: ["fir5t\ntorn", "first"])
  func changed(_ content: String) throws {
    let extent = try killed()
    try folder.replace("log", with: Array(content.utf8), durable: false)
    let error = #expect(throws: PipelineError.self) { try AppendOnlyFile(in: folder, name: "log", after: extent) }
    #expect(error?.message.hasPrefix(path + "/log ") == true)
    #expect(try text() == content)
  }

  @Test("one that is gone is refused, and not made")
  func gone() throws {
    let extent = try killed()
    try folder.remove("log")
    #expect(throws: PipelineError.self) { try AppendOnlyFile(in: folder, name: "log", after: extent) }
    #expect(try folder.names() == [])
  }

  @Test(
    "small and large writes come out in order, with their hash",
    arguments: [[10, 300_000, 5, 5], [2_000_000, 1, 700_000, 700_000]])
  func sizes(_ sizes: [Int]) throws {
    let file = try AppendOnlyFile(in: folder, name: "log")
    var all: [UInt8] = []
    for (index, size) in sizes.enumerated() {
      let bytes = [UInt8](repeating: UInt8(ascii: "a") + UInt8(index), count: size)
      try file.write(bytes)
      all += bytes
      if index == 1 { try file.synchronize() }
    }
    try file.synchronize()
    var hash = SHA256()
    hash.add(all)
    #expect(file.extent == .init(bytes: UInt64(all.count), sha256: hash.digits))
    #expect(try folder.contents(of: "log") == all)
  }
}

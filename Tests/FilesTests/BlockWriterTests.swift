// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import Testing

@Suite("Writing in blocks", .timeLimit(.minutes(15)))
struct BlockWriterTests {
  /// Folders on file systems that can write past the cache, and on one that may not.
  private static let folders = [FileManager.default.temporaryDirectory.path, "/dev/shm"].filter {
    FileManager.default.isWritableFile(atPath: $0)
  }

  /// The size of the blocks that are written at once.
  private static let block = 1 << 20

  /// Appends of so many bytes, of which -1 stands for a flush.
  private static let writes: [[Int]] = [
    [3 * block + 5],
    [block, block, 1],
    [5, -1, 2 * block, -1, 3 * block - 5, -1],
    [block - 1, 1, -1, 4096, -1, block, 7],
    [4096, -1, block, block, -1, 1, -1, 2 * block],
  ]

  private func scratch() throws -> Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-blocks-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return try Folder(path: path)
  }

  @Test("all bytes are there in order, wherever blocks and flushes fall", arguments: folders, writes)
  func bytes(place: String, writes: [Int]) throws {
    let path = place + "/shuffle-r1-blocks-\(UUID())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = try Folder(path: path)
    for start in [0, 9, 4096] {
      // What an earlier process wrote, and what it wrote that does not count.
      let name = "from-\(start)"
      var expected = (0..<start).map { UInt8(truncatingIfNeeded: $0 &* 11) }
      try folder.replace(name, with: expected + [UInt8](repeating: 0, count: 3 * Self.block), durable: false)
      var hash = SHA256()
      hash.add(expected)
      let file = try AppendOnlyFile(in: folder, name: name, after: .init(bytes: UInt64(start), sha256: hash.digits))
      for count in writes {
        if count < 0 {
          try file.flush()
          #expect(try folder.contents(of: name) == expected)
          continue
        }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 7) ^ ($0 >> 9)) }
        try file.write(bytes)
        expected += bytes
        #expect(file.offset == UInt64(expected.count))
      }
      try file.synchronize()
      hash = SHA256()
      hash.add(expected)
      #expect(file.extent == .init(bytes: UInt64(expected.count), sha256: hash.digits))
      #expect(try folder.contents(of: name) == expected)
    }
  }

  @Test("what was appended can be read again while more is gathered")
  func read() throws {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let file = try AppendOnlyFile(in: folder, name: "log")
    let bytes = (0..<3 * Self.block + 77).map { UInt8(truncatingIfNeeded: $0 >> 3) }
    for start in stride(from: 0, to: bytes.count, by: 300_000) {
      let end = min(start + 300_000, bytes.count)
      try file.write(Array(bytes[start..<end]))
      #expect(try file.read(end - 1, at: 1) == Array(bytes[1..<end]))
    }
  }

  @Test("two files grow at the same time, each with its own bytes")
  func beside() async throws {
    let folder = try scratch()
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for name in ["a", "b"] {
        let file = try AppendOnlyFile(in: folder, name: name)
        tasks.addTask {
          for _ in 0..<40 { try file.write([UInt8](repeating: Array(name.utf8)[0], count: 100_001)) }
          try file.synchronize()
        }
      }
      try await tasks.waitForAll()
    }
    for name in ["a", "b"] {
      let bytes = try #require(try folder.contents(of: name))
      #expect(bytes.count == 4_000_040 && bytes.allSatisfy { $0 == Array(name.utf8)[0] })
    }
  }
}

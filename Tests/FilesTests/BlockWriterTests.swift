// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@testable import Files

@Suite("Writing in blocks", .timeLimit(.minutes(15)))
struct BlockWriterTests {
  /// Folders on file systems that can write past the cache, and on one that may not.
  private static let folders = [FileManager.default.temporaryDirectory.path, "/dev/shm"].filter {
    FileManager.default.isWritableFile(atPath: $0)
  }

  private static let block = WriteBlock.size

  /// Appends of so many bytes, of which those below 0 stand for a flush.
  private static let writes: [[Int]] = [
    [3 * block + 5],
    [block, block, 1],
    [5, -1, 2 * block, -1, 3 * block - 5, -1],
    [block - 1, 1, -1, 4096, -1, block, 7],
    [4096, -1, block, block, -1, 1, -1, 2 * block],
  ]

  @Test("all bytes are there in order, wherever blocks and flushes fall", arguments: folders, writes)
  func bytes(folder: String, writes: [Int]) throws {
    let path = folder + "/shuffle-r1-blocks-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try FileDescriptor(opening: path, O_RDWR | O_CREAT)
    var expected: [UInt8] = []
    // What an earlier process wrote.
    for start in [0, 9, 4096] {
      expected = (0..<start).map { UInt8(truncatingIfNeeded: $0 &* 11) }
      try file.resize(to: 0)
      try expected.withUnsafeBytes { try file.write($0, at: 0) }
      var writer = BlockWriter(file, at: UInt64(start))
      for count in writes {
        if count < 0 {
          try writer.flush()
          #expect(writer.isFlushed && writer.writtenCount == UInt64(expected.count))
          #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(expected))
          continue
        }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 7) ^ ($0 >> 9)) }
        try bytes.withUnsafeBytes { try writer.append($0) }
        expected += bytes
        #expect(writer.end == UInt64(expected.count) && !writer.isFlushed)
      }
      try writer.flush()
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(expected))
    }
  }

  @Test("a disk without room is said, at the latest when the bytes are waited for, and again at each further try")
  func full() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    var writer = BlockWriter(try FileDescriptor(opening: "/dev/full", O_WRONLY), at: 0)
    let bytes = [UInt8](repeating: 1, count: 2 * Self.block)
    for _ in 0..<3 {
      let error = #expect(throws: PipelineError.self) {
        try bytes.withUnsafeBytes { try writer.append($0) }
        try writer.flush()
      }
      #expect(error?.message.hasPrefix("cannot write /dev/full") == true)
    }
    #expect(!writer.isFlushed)
  }

  @Test("two files grow at the same time, each with its own bytes")
  func beside() async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-beside-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = try Folder(path: path)
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

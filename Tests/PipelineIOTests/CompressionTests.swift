// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Synchronization
import Testing

@Suite("Compression", .timeLimit(.minutes(15)))
struct CompressionTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private func lines(_ count: Int) -> String {
    (0..<count).map { #"{"id":"\#($0)","group":"g","text":"\#(String(repeating: "ab", count: $0 % 500))"}"# + "\n" }
      .joined()
  }

  @Test("what is written compressed is read again, also several frames in one file", arguments: ["gz", "zst"])
  func roundTrips(_ ending: String) async throws {
    let path = folder.path + "/out.jsonl." + ending
    let output = try OutputFile(path: path)
    let text = lines(3_000)
    try output.write(Array(text.utf8))
    try output.finish()
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(data.count < text.utf8.count / 4)
    #expect(try await Reading.of([path]).trajectories.count == 3_000)

    let renumbered = lines(3_000).replacing(#""id":""#, with: #""id":"x"#)
    let second = try OutputFile(path: folder.path + "/second." + ending)
    try second.write(Array(renumbered.utf8))
    try second.finish()
    let both = data + (try Data(contentsOf: URL(fileURLWithPath: folder.path + "/second." + ending)))
    #expect(try await Reading.of([try folder.file("both", both)]).trajectories.count == 6_000)
  }

  @Test("compressed data that is cut off or damaged is an error, not an end", arguments: ["gz", "zst"])
  func cutOff(_ ending: String) async throws {
    let path = folder.path + "/out.jsonl." + ending
    let output = try OutputFile(path: path)
    try output.write(Array(lines(3_000).utf8))
    try output.finish()
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let cut = try folder.file("cut", data.prefix(data.count / 2))
    #expect(
      await Reading.failure(of: [cut]) == "\(cut) is cut off in the middle of compressed data; get the whole file")
    for index in data.count / 2..<data.count / 2 + 40 { data[index] = 0xA5 }
    let damaged = try folder.file("damaged", data)
    #expect(await Reading.failure(of: [damaged]) != "no error")
  }

  @Test("all that lies before the fault is read first, on any number of threads", arguments: [2, 7])
  func cutOffLater(_ threads: Int) async throws {
    let path = folder.path + "/out.jsonl.gz"
    let output = try OutputFile(path: path)
    var text = ""
    for index in 0..<90_000 {
      text +=
        index % 9_000 == 8_000
        ? "{\n" : #"{"id":"\#(index)","group":"g\#(index / 100)","text":"\#(index &* 7_919_777)"}"# + "\n"
    }
    try output.write(Array(text.utf8))
    try output.finish()
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let cut = try folder.file("cut.gz", data.prefix(data.count - 1_000))
    let alone = await readUpToFault(cut, threads: 1)
    #expect(alone.error == "\(cut) is cut off in the middle of compressed data; get the whole file")
    #expect(alone.batches > 500)
    #expect(alone.bad.count > 5)
    #expect(await readUpToFault(cut, threads: threads) == alone)
  }

  private struct UpToFault: Equatable {
    var batches = 0
    var bad: [Int] = []
    var error = ""
  }

  private func readUpToFault(_ path: String, threads: Int) async -> UpToFault {
    var options = TrajectoryReader.Options(paths: [path])
    options.cut = .groups(1)
    options.threads = threads
    let bad = Mutex<[Int]>([])
    let reader = TrajectoryReader(options) { record in bad.withLock { $0.append(record.location.line) } }
    var read = UpToFault()
    do {
      while try await reader.next() != nil { read.batches += 1 }
    } catch { read.error = "\(error)" }
    read.bad = bad.withLock { $0 }
    return read
  }

  @Test("a file appears under its name only when it is complete, and is not replaced unasked")
  func atomic() throws {
    let path = folder.path + "/out.jsonl"
    do {
      let abandoned = try OutputFile(path: path)
      try abandoned.write([0x61])
      try abandoned.flush()
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let output = try OutputFile(path: path)
    try output.write([0x61])
    try output.finish()
    #expect(FileManager.default.contents(atPath: path) == Data([0x61]))
    #expect {
      _ = try OutputFile(path: path)
    } throws: { error in
      "\(error)" == "\(path) exists already; name another file, or say --force to replace it"
    }
    #expect {
      _ = try OutputFile(path: folder.path, existing: .replace)
    } throws: { error in
      "\(error)" == "cannot write \(folder.path): it is a directory; name a file"
    }
    #expect {
      _ = try OutputFile(path: folder.path + "/none/out.jsonl")
    } throws: { error in
      "\(error)"
        == "cannot write \(folder.path)/none/out.jsonl: there is no such folder; make it, or name another file"
    }
  }

  @Test("a disk that is full is named as such")
  func fullDisk() throws {
    let output = try OutputFile(path: "/dev/full")
    #expect {
      try output.write([UInt8](repeating: 0x61, count: 2 << 20))
      try output.finish()
    } throws: { error in
      "\(error)"
        == "cannot write /dev/full: the disk is full; nothing that was complete is lost, free some space and run again"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("Images are named as seen from where a record is written", .timeLimit(.minutes(15)))
struct ImageAnchorTests {
  private static let line =
    #"{"id":"a","group":"g","images":["i/1.png",{"path":"2.png"},"/abs/3.png","data:image/png;base64,AAAA"],"prompt":[{"role":"user","content":[{"type":"image","image":"i/1.png","max_pixels":4},{"type":"text","text":"i/1.png"},{"type":"image","image":"https://h/x.png"}]}]}"#

  private func read(_ line: String) async throws -> (record: Trajectory, root: URL) {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("anchor-\(UUID())")
    try FileManager.default.createDirectory(
      at: root.appendingPathComponent("data"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      at: root.appendingPathComponent("data/i"), withIntermediateDirectories: true)
    for name in ["i/1.png", "2.png"] { try Data().write(to: root.appendingPathComponent("data/" + name)) }
    let file = root.appendingPathComponent("data/in.jsonl")
    try Data((line + "\n").utf8).write(to: file)
    let reader = TrajectoryReader(TrajectoryReader.Options(paths: [file.path]))
    let batch = try #require(try await reader.next())
    return (batch[0], root)
  }

  private func written(_ trajectory: Trajectory) throws -> String {
    var bytes: [UInt8] = []
    try TrajectoryEncoder.encode(trajectory, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("relative paths lead to the same files, others stay, and so does every other byte")
  func moved() async throws {
    let (record, root) = try await read(Self.line)
    defer { try? FileManager.default.removeItem(at: root) }
    let anchor = ImageAnchor(writing: root.path + "/runs/x/out.jsonl", notes: WrittenFolders(file: nil))
    let expected = Self.line.replacing(#""i/1.png","#, with: #""../../data/i/1.png","#, maxReplacements: 2)
      .replacing(#""2.png""#, with: #""../../data/2.png""#)
    #expect(try written(anchor.anchored(record)) == expected + "\n")
  }

  @Test("in the same folder, and on standard output, nothing changes")
  func sameFolder() async throws {
    let (record, root) = try await read(Self.line)
    defer { try? FileManager.default.removeItem(at: root) }
    #expect(try written(ImageAnchor(writing: root.path + "/data/out.jsonl").anchored(record)) == Self.line + "\n")
    #expect(try written(ImageAnchor(writing: "-").anchored(record)) == Self.line + "\n")
  }

  @Test("a path with no file at its end keeps its words")
  func missing() async throws {
    let line = Self.line.replacing("i/1.png", with: "i/none.png").replacing("2.png", with: "none.png")
    let (record, root) = try await read(line)
    defer { try? FileManager.default.removeItem(at: root) }
    let anchor = ImageAnchor(writing: root.path + "/runs/out.jsonl", notes: WrittenFolders(file: nil))
    #expect(try written(anchor.anchored(record)) == line + "\n")
  }

  @Test("records without images are not touched")
  func withoutImages() async throws {
    let line = #"{"id":"a", "group":"g", "prompt":"image.png"}"#
    let (record, root) = try await read(line)
    defer { try? FileManager.default.removeItem(at: root) }
    #expect(try written(ImageAnchor(writing: root.path + "/runs/out.jsonl").anchored(record)) == line + "\n")
  }

  @Test("rollouts of one prompt, and others between them, each name their own images")
  func severalRollouts() async throws {
    let other = Self.line.replacing("i/1.png", with: "2.png")
    for (line, file) in [(Self.line, "i/1.png"), (other, "2.png"), (Self.line, "i/1.png")] {
      let (record, root) = try await read(line)
      defer { try? FileManager.default.removeItem(at: root) }
      let anchor = ImageAnchor(writing: root.path + "/out.jsonl", notes: WrittenFolders(file: nil))
      for _ in 0..<2 { #expect(try written(anchor.anchored(record)).contains(#""image":"data/\#(file)""#)) }
    }
  }

  @Test("a prompt that is too long to be remembered is anchored each time")
  func longPrompt() async throws {
    let (record, root) = try await read(
      Self.line.replacing(#""text":"i/1.png""#, with: "\"text\":\"\(String(repeating: "x", count: 20_000))\""))
    defer { try? FileManager.default.removeItem(at: root) }
    let anchor = ImageAnchor(writing: root.path + "/out.jsonl", notes: WrittenFolders(file: nil))
    for _ in 0..<2 { #expect(try written(anchor.anchored(record)).contains(#""image":"data/i/1.png""#)) }
  }

  @Test("one anchor tells prompts of several files apart")
  func severalFiles() async throws {
    let (first, root) = try await read(Self.line)
    let (second, elsewhere) = try await read(Self.line)
    defer { for folder in [root, elsewhere] { try? FileManager.default.removeItem(at: folder) } }
    let anchor = ImageAnchor(writing: root.path + "/out.jsonl", notes: WrittenFolders(file: nil))
    for _ in 0..<2 {
      #expect(try written(anchor.anchored(first)).contains(#""image":"data/i/1.png""#))
      #expect(try written(anchor.anchored(second)).contains("/\(elsewhere.lastPathComponent)/data/i/1.png"))
    }
  }

  @Test("a prompt that a stage has changed is anchored as it is now")
  func changedPrompt() async throws {
    let (record, root) = try await read(Self.line)
    defer { try? FileManager.default.removeItem(at: root) }
    let anchor = ImageAnchor(writing: root.path + "/out.jsonl", notes: WrittenFolders(file: nil))
    _ = try anchor.anchored(record)
    var changed = record
    changed.set(.prompt, to: [["role": "user", "content": [["type": "image", "image": "2.png"]]]])
    #expect(try written(anchor.anchored(changed)).contains(#""image":"data/2.png""#))
  }
}

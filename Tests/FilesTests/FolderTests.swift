// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import Testing

/// A folder `inside`, and a file beside it that nothing done in the folder may touch.
private final class Place {
  let path: String
  let inside: Folder

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-files-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path + "/inside", withIntermediateDirectories: true)
    try Data("precious".utf8).write(to: URL(fileURLWithPath: path + "/victim"))
    inside = try Folder(path: path + "/inside")
  }

  deinit { _ = try? FileManager.default.removeItem(atPath: path) }

  func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path + "/" + name) ?? Data(), as: UTF8.self)
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path + "/inside/" + name, withDestinationPath: target)
  }
}

@Suite("Files in a folder", .timeLimit(.minutes(15)))
struct FolderTests {
  @Test("a link among them is an error that names it, and what it leads to stays")
  func links() throws {
    let place = try Place()
    try place.link("stream", to: "../victim")
    try place.link("folder", to: "..")
    let refused: [(String, () throws -> Void)] = [
      ("inside/stream: it is a symbolic link", { _ = try AppendOnlyFile(in: place.inside, name: "stream") }),
      ("inside/stream: it is a symbolic link", { _ = try place.inside.contents(of: "stream") }),
      ("inside/folder: it is a symbolic link", { _ = try AppendOnlyFile(in: place.inside, name: "folder/victim") }),
      ("inside/folder: it is a symbolic link", { _ = try place.inside.contents(of: "folder/victim") }),
      (
        "inside/folder: it is a symbolic link", { try place.inside.replace("folder/victim", with: [1], durable: false) }
      ),
      ("inside/folder: it is a symbolic link", { try place.inside.remove("folder/victim") }),
    ]
    for (message, body) in refused {
      let error = #expect(throws: PipelineError.self) { try body() }
      #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
    #expect(place.text("victim") == "precious")
  }

  @Test(
    "a name that leads out of the folder is none",
    arguments: ["../victim", "/etc/passwd", "a//b", "", "a/../../victim", "."])
  func namesLeadingOut(_ name: String) throws {
    let place = try Place()
    #expect(throws: PipelineError.self) { try place.inside.open(name, O_WRONLY | O_CREAT) }
    #expect(place.text("victim") == "precious")
  }

  @Test("a file that is also another one is not written to")
  func hardLinks() throws {
    let place = try Place()
    #expect(Foundation.link(place.path + "/victim", place.path + "/inside/stream") == 0)
    let error = #expect(throws: PipelineError.self) { try AppendOnlyFile(in: place.inside, name: "stream") }
    #expect(error?.message.contains("hard link") == true)
    #expect(place.text("victim") == "precious")
  }

  @Test("a pipe is refused, not waited for")
  func pipes() throws {
    let place = try Place()
    #expect(mkfifo(place.path + "/inside/pipe", 0o600) == 0)
    #expect(throws: PipelineError.self) { try place.inside.contents(of: "pipe") }
  }

  @Test("replacing takes the place of a link, not of what it leads to")
  func replacedLink() throws {
    let place = try Place()
    try place.link("state", to: "../victim")
    try place.inside.replace("state", with: Array("new".utf8), durable: true)
    #expect(place.text("victim") == "precious")
    #expect(place.text("inside/state") == "new")
    #expect(try place.inside.names() == ["state"])
  }

  @Test("removing a folder removes the links in it, not what they lead to")
  func removal() throws {
    let place = try Place()
    try place.inside.replace("a/b/file", with: [1], durable: false)
    try place.link("a/b/up", to: "../../..")
    try place.inside.remove("a")
    try place.inside.remove("never-there")
    #expect(try place.inside.names() == [])
    #expect(place.text("victim") == "precious")
  }

  @Test("a file that is not committed leaves nothing")
  func abandoned() throws {
    let place = try Place()
    do {
      let file = try AtomicFile(in: place.inside, name: "out")
      try [UInt8]("half".utf8).withUnsafeBytes { try file.descriptor.write($0) }
      let names = try place.inside.names()
      #expect(names.count == 1 && AtomicFile.isPartial(names[0], of: "out"))
    }
    #expect(try place.inside.names() == [])
  }
}

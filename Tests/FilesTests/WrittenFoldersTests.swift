// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Testing

@Suite("Folders that this user has written to", .timeLimit(.minutes(15)))
struct WrittenFoldersTests {
  private let root: String

  init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("written-\(UUID())").path
    for name in ["out", "data", "other"] {
      try FileManager.default.createDirectory(atPath: root + "/" + name, withIntermediateDirectories: true)
    }
    chmod(root, 0o700)
  }

  private var file: String { root + "/state/written.jsonl" }

  @Test("what is noted is known to the next command, once, by the place that a path leads to")
  func noted() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let notes = WrittenFolders(file: file)
    #expect(notes.roots(of: root + "/out") == [])
    notes.note(folder: root + "/out", imagesIn: [root + "/data"])
    notes.note(folder: root + "/data/../out", imagesIn: [root + "/data/.", root + "/other"])
    let real = RealPath(root).components.dropFirst().joined(separator: "/")
    #expect(WrittenFolders(file: file).roots(of: root + "/out/.") == ["/\(real)/data", "/\(real)/other"])
    #expect(notes.roots(of: root + "/other") == [])
    #expect(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count == 2)
  }

  @Test("notes that others may write, links and the root of the file system count for nothing")
  func refused() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let notes = WrittenFolders(file: file)
    notes.note(folder: root + "/out", imagesIn: ["/"])
    #expect(notes.roots(of: root + "/out") == [])
    notes.note(folder: root + "/out", imagesIn: [root + "/data"])
    #expect(notes.roots(of: root + "/out").count == 1)
    chmod(file, 0o666)
    #expect(WrittenFolders(file: file).roots(of: root + "/out") == [])
    chmod(file, 0o600)
    try FileManager.default.createSymbolicLink(atPath: root + "/link.jsonl", withDestinationPath: file)
    #expect(WrittenFolders(file: root + "/link.jsonl").roots(of: root + "/out") == [])
    WrittenFolders(file: nil).note(folder: root, imagesIn: [root])
  }

  @Test("the notes stay small")
  func bounded() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let notes = WrittenFolders(file: file)
    notes.note(folder: root + "/out", imagesIn: [root + "/data"])
    let line = #"{"folder":"/gone","images":"/\#(String(repeating: "x", count: 1000))"}"# + "\n"
    let handle = try #require(FileHandle(forWritingAtPath: file))
    handle.seekToEndOfFile()
    handle.write(Data(String(repeating: line, count: 1100).utf8))
    try handle.close()
    #expect(notes.roots(of: root + "/out").count == 1)
    let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
    #expect(try #require(size) <= 1 << 19)
  }
}

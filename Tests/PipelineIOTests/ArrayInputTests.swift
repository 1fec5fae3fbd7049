// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("a JSON array is read as its elements", .timeLimit(.minutes(15)))
struct ArrayInputTests {
  /// Reads a text as trajectories; what was bad comes as its line and reason.
  private func read(_ text: String) async throws -> (ids: [String], bad: [String]) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("array-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("array.json")
    try Data(text.utf8).write(to: file)
    let bad = BadLines()
    let reader = TrajectoryReader(TrajectoryReader.Options(paths: [file.path])) { record in
      bad.add("\(record.location.line): \(record.reason)")
    }
    var ids: [String] = []
    while let batch = try await reader.next() { ids += batch.trajectories.map(\.id) }
    return (ids, bad.lines)
  }

  private final class BadLines: @unchecked Sendable {
    private(set) var lines: [String] = []
    func add(_ line: String) { lines.append(line) }
  }

  private func record(_ id: String, _ text: String = "x") -> String {
    "{\n  \"id\": \"\(id)\",\n  \"group\": \"g\",\n  \"prompt\": \"\(text)\", \"tags\": [1, {\"a\": \"],[\"}]\n}"
  }

  @Test("pretty-printed or not, with brackets, commas and quotes in texts")
  func elements() async throws {
    for text in [
      "[\(record("a")),\n\(record("b", #"] , \" { \\"#))]\n", " \n[ \(record("a")) ,\(record("b"))\n]",
      "\u{FEFF}[\(record("a")),\(record("b"))]",
    ] {
      let found = try await read(text)
      #expect(found.ids == ["a", "b"], "\(text)")
      #expect(found.bad == [])
    }
    #expect(try await read("[]").ids == [])
  }

  @Test("an element that cannot be used is a bad record with its number")
  func badElement() async throws {
    let found = try await read("[\(record("a")), 7, \(record("b"))]")
    #expect(found.ids == ["a", "b"])
    #expect(found.bad.count == 1 && found.bad[0].hasPrefix("2: "), "\(found.bad)")
  }

  @Test("an array that is cut off is an error, and what stands behind one a bad record")
  func broken() async throws {
    await #expect(throws: PipelineError.self) { _ = try await read("[\(record("a")), ") }
    let found = try await read("[\(record("a"))]\nmore")
    #expect(found.ids == ["a"])
    #expect(found.bad.count == 1)
  }

  @Test("elements larger than what is read at a time")
  func large() async throws {
    let text = String(repeating: "lorem, [ipsum] ", count: 200_000)
    let found = try await read("[\(record("a", text)),\(record("b", text))]")
    #expect(found.ids == ["a", "b"])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineReport
import Testing

@Suite("the files of a report", .timeLimit(.minutes(15)))
struct OutputTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  static let harm =
    #"{"id":"a/0","group":"a","response":"</script><script>alert(1)</script> it's '\n\\ <!-- ","reward":1}"#

  private func file() throws -> String { try scratch.write("rollouts.jsonl", Self.harm + "\n") }

  @Test("the page loads its own scripts alone, and lets nothing in")
  func page() async throws {
    let sink = try FolderSink(path: scratch.path)
    try await report([try file()], into: sink).advance()
    let page = try scratch.read("index.html")
    #expect(
      page.contains(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
      ))
    #expect(!page.contains("http:") && !page.contains("https:"))
    let scripts = page.matches(of: /<script src="([a-z]+\.js)" defer><\/script>/).map { String($0.1) }
    #expect(scripts.count >= 9 && scripts.last == "page.js")
    #expect(Set(try scratch.names()).isSuperset(of: scripts))
    for script in scripts {
      let code = try scratch.read(script)
      for forbidden in [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "setAttribute('on",
        "fetch(", "XMLHttpRequest", "import(",
      ] {
        #expect(!code.contains(forbidden), "\(script) has \(forbidden)")
      }
      // A script within a page would end at it.
      #expect(!code.contains("</script"))
    }
  }

  @Test("a piece of data is one call with a string that holds it exactly")
  func script() async throws {
    try await report([try file()], into: try FolderSink(path: scratch.path)).advance()
    let script = try scratch.read("data/bodies-0-0.js")
    let start = "report.take('bodies','0-0','"
    #expect(script.hasPrefix(start) && script.hasSuffix("');\n"))
    let inner = script.dropFirst(start.count).dropLast("');\n".count)
    // What a JavaScript engine makes of the string.
    var text = ""
    var escaped = false
    for letter in inner {
      if escaped {
        text.append(letter == "n" ? "\n" : letter)
        escaped = false
      } else if letter == "\\" {
        escaped = true
      } else {
        #expect(letter != "'" && letter != "\n")
        text.append(letter)
      }
    }
    #expect(text == Self.harm + "\n")
  }

  @Test("a single file holds all of it, and no text of a record ends its data")
  func single() async throws {
    try scratch.write("i.png", smallPNG)
    let sink = SinglePage()
    let record = Self.harm.dropLast() + #","images":["i.png"]}"#
    try await report([try scratch.write("rollouts.jsonl", record + "\n")], into: sink).advance()
    let page = String(decoding: try sink.html(), as: UTF8.self)
    #expect(!page.contains("<script src") && !page.contains("<link rel=\"stylesheet\""))
    let data = try #require(
      page.firstMatch(of: /(?s)<script type="application\/json" id="report-data">(.*?)<\/script>/)
    ).1
    let value = try JSONValue(parsing: String(data))
    #expect(value["parts"]?.arrayValue?.map { $0.arrayValue?.first?.stringValue } == ["bodies", "manifest", "rows"])
    #expect(value["parts"]?.arrayValue?.first?.arrayValue?.last?.stringValue == record + "\n")
    #expect(value["pictures"]?.objectValue?.first?.value.stringValue?.hasPrefix("data:image/png;base64,iVBOR") == true)
    #expect(page.components(separatedBy: "'sha256-").count == 12, "a hash for the style and for each script")
    #expect(!page.contains("script-src 'self'"))
  }

  @Test("what is too large for one file is an error that says what to do")
  func tooLarge() async throws {
    let record = #"{"id":"a/0","group":"a","response":"\#(String(repeating: "x", count: 1 << 20))"}"#
    let file = try scratch.write("large.jsonl", String(repeating: record + "\n", count: 70))
    await #expect(throws: PipelineError.self) { try await report([file], into: SinglePage()).advance() }
  }

  @Test("a folder that is no report is not replaced, and a report that fails leaves the old one")
  func replacing() async throws {
    let target = scratch.path + "/out"
    func write(_ text: String, replacing: Bool = true) async throws {
      try await ReportFolder.write(to: target, replacing: replacing) { folder in
        _ = try FolderSink(path: folder)
        if text == "fail" { throw PipelineError(.invalidData, "it failed") }
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/mark"))
      }
    }
    try await write("first")
    await #expect(throws: PipelineError.self) { try await write("second", replacing: false) }
    await #expect(throws: PipelineError.self) { try await write("fail") }
    #expect(try scratch.read("out/mark") == "first")
    try await write("second")
    #expect(try scratch.read("out/mark") == "second")
    #expect(try scratch.names() == ["out"], "nothing half done is left")
    try scratch.write("mine/letter.txt", "dear")
    await #expect(throws: PipelineError.self) {
      try await ReportFolder.write(to: scratch.path + "/mine", replacing: true) { _ in }
    }
    #expect(try scratch.read("mine/letter.txt") == "dear")
  }
}

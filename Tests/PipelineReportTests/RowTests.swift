// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineReport
import Testing

@Suite("rows of a report", .timeLimit(.minutes(15)))
struct RowTests {
  let scratch: Scratch
  let sink = MemorySink()

  init() throws { scratch = try Scratch() }

  @Test("columns hold the exact values, lines are the records as they are")
  func values() async throws {
    let lines = [
      #"{"id":"a/0","group":"a","step":3,"reward":0.30000000000000004,"rewards":{"accuracy":1,"it's":0.5},"response":"it's \"x\" \\ line\nnew","kind":"count","tokens":[1, 2,3],"seed":9007199254740993,"answer":7}"#,
      #"{"id":"a/1","group":"a","step":3,"reward":-1e-7,"response":"é\ud83d\ude00","kind":"color","ok":true,"answer":"7","tokens":[]}"#,
      #"{"id":"b/0","group":"b","nothing":null,"nested":{"x":1},"response":"","advantage":2.5}"#,
    ]
    let file = try scratch.write("rollouts.jsonl", lines.joined(separator: "\n") + "\n")
    let summary = try await report([file], into: sink).advance()
    #expect(summary.rows == 3 && summary.leftOutRows == 0 && summary.badRecords == 0 && summary.pictures == 0)
    #expect(sink.names == ["bodies/0-0", "manifest/", "rows/0"])
    #expect(sink.text("bodies/0-0") == lines.joined(separator: "\n") + "\n")
    #expect(try sink.column("id") == ["a/0", "a/1", "b/0"])
    #expect(try sink.column("step") == [3, 3, .null])
    #expect(try sink.column("reward").map(\.doubleValue) == [0.30000000000000004, -1e-7, nil])
    #expect(try sink.column("rewards.it's") == [.number("0.5"), .null, .null])
    #expect(try sink.column("kind") == ["count", "color", .null])
    #expect(try sink.column("ok") == [.null, "true", .null])
    #expect(try sink.column("tokens") == [3, 0, .null])
    #expect(try sink.column("characters") == [19, 2, 0])
    #expect(try sink.column("seed") == ["9007199254740993", .null, .null])
    #expect(try sink.column("answer") == [7, "7", .null])
    #expect(try sink.column("line") == [1, 2, 3])
    #expect(try sink.column("nested") == [.null, .null, .null])
  }

  @Test("a block ends after 4,096 rows, a chunk after 256 KiB; two bytes where a column has many values")
  func blocks() async throws {
    let response = String(repeating: "x", count: 300)
    let lines = (0..<5000).map {
      #"{"id":"g\#($0 / 8)/\#($0 % 8)","group":"g\#($0 / 8)","reward":0.5,"response":"\#(response)"}"#
    }
    let file = try scratch.write("rollouts.jsonl", lines.joined(separator: "\n"))
    try await report([file], into: sink).advance()
    #expect(try sink.json("manifest/")["blocks"] == 2)
    let ids = try sink.column("id") + sink.column("id", block: 1)
    #expect(ids.count == 5000)
    #expect(ids[4999] == "g624/7" && ids[4095] == "g511/7" && ids[4096] == "g512/0")
    let starts = try sink.json("rows/0")["chunks"]?.arrayValue?.compactMap(\.intValue) ?? []
    #expect(starts.count > 4 && starts[0] == 0)
    let second = sink.text("bodies/0-1").split(separator: "\n")
    #expect(String(second[0]) == lines[starts[1]])
  }

  @Test("the same data for any number of threads")
  func threads() async throws {
    let lines = (0..<9000).map {
      #"{"id":"g\#($0 / 8)/\#($0 % 8)","group":"g\#($0 / 8)","reward":\#($0 % 7),"response":"r\#($0)"}"#
    }
    let file = try scratch.write("rollouts.jsonl", lines.joined(separator: "\n"))
    var texts: [[String]] = []
    for threads in [1, 2, 7] {
      let sink = MemorySink()
      try await report([file], into: sink) { $0.threads = threads }.advance()
      texts.append(sink.names.map { $0 + sink.text($0) })
    }
    #expect(texts[0] == texts[1] && texts[1] == texts[2])
  }

  @Test("records that cannot be used are counted and named, NaN becomes null")
  func badRecords() async throws {
    let file = try scratch.write(
      "rollouts.jsonl",
      #"{"id":"a/0","group":"a","response":"r","reward":NaN,"x":1}"# + "\n{broken\n"
        + #"{"id":"a/1","group":"a","response":"r"}"#)
    let summary = try await report([file], into: sink).advance()
    #expect(summary.rows == 2 && summary.badRecords == 1)
    let bad = try sink.json("manifest/")["bad"]
    #expect(bad?["first"]?.arrayValue?.first?["line"] == 2)
    let line = try #require(sink.text("bodies/0-0").split(separator: "\n").first)
    #expect(try JSONValue(parsing: String(line))["reward"] == .null)
  }

  @Test("keys that are data fill no more than 96 columns, and what is left out is named")
  func manyKeys() async throws {
    let lines = (0..<200).map { #"{"id":"a/\#($0)","group":"a","key\#($0)":1,"response":"r"}"# }
    let file = try scratch.write("rollouts.jsonl", lines.joined(separator: "\n"))
    try await report([file], into: sink).advance()
    #expect(try sink.json("rows/0")["columns"]?.arrayValue?.count ?? 0 <= 96)
    #expect(try sink.json("manifest/")["left_out_columns"]?.arrayValue?.isEmpty == false)
    #expect(sink.text("bodies/0-0").contains("\"key199\":1"))
  }

  @Test("a sample has whole groups, the same ones each time, and says of how many")
  func sample() async throws {
    let lines = (0..<400).map { #"{"id":"g\#($0 % 50)/\#($0 / 50)","group":"g\#($0 % 50)","response":"r"}"# }
    let file = try scratch.write("rollouts.jsonl", lines.joined(separator: "\n"))
    var ids: [[JSONValue]] = []
    for _ in 0..<2 {
      let sink = MemorySink()
      let summary = try await report([file], into: sink) { $0.sample = 30 }.advance()
      #expect(summary.rows == 32 && summary.leftOutRows == 368)
      #expect(try sink.json("manifest/")["sample"] == ["shown": 32, "of": 400])
      #expect(Set(try sink.column("group")).count == 4)
      ids.append(try sink.column("id"))
    }
    #expect(ids[0] == ids[1])
    await #expect(throws: PipelineError.self) { try await report(["-"], into: sink) { $0.sample = 1 }.advance() }
  }
}

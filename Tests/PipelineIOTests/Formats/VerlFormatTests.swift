// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("verl's dumps", .timeLimit(.minutes(15)))
struct VerlFormatTests {
  private static let oracles = ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"]

  @Test("keys become our fields, other numbers parts of the reward, the rest passes through")
  func mapping() throws {
    let imported = try FormatSupport.imported(
      #"{"input":"Q","output":"A","gts":"A","score":0.9,"step":7,"uid":"u1","acc":1.0,"len":12,"pred":"A","id":"theirs"}"#,
      as: "verl")
    #expect(
      imported.records == [
        try FormatSupport.json(
          #"{"id":"u1/0","group":"u1","prompt":"Q","answer":"A","response":"A","reward":0.9,"rewards":{"acc":1.0,"len":12},"step":7,"extra":{"id":"theirs"},"pred":"A"}"#
        )
      ])
  }

  @Test("the group is what stands before _SESSION_OUTPUT, else the uid, else file, step and question")
  func groups() throws {
    let imported = try FormatSupport.imported(FormatSupport.fixture("verl"), as: "verl")
    #expect(
      imported.records.compactMap { $0["id"]?.stringValue } == [
        "q-a/0", "q-a/1", "q-a/2", "plain-uid/0", "plain-uid/1", "3-q2/0", "3-q2/1", "4-q3/0",
      ])
    #expect(imported.summary.groupSizes.description == "1 group of 1, 2 groups of 2, 1 group of 3")
    #expect(
      imported.summary.notes == ["group sizes differ: 1 group of 1, 2 groups of 2, 1 group of 3"])
    #expect(imported.records[0]["uid"] == "q-a_0_0")
    #expect(imported.records[3]["uid"] == nil)
  }

  @Test(
    "only digits between underscores at the end are session and output, and sessions count from 0",
    arguments: [
      ("a_0_1", "a"), ("a_b_12_3", "a_b_12"), ("20251101_193625-0", "20251101_193625-0"), ("a_1", "a_1"),
      ("_1_2", "_1_2"), ("1_2", "1_2"), ("a__1", "a__1"), ("3_4_5", "3_4"), ("3_0_5", "3"), ("a_1_x", "a_1_x"),
      ("é_1_2", "é_1"),
    ])
  func uids(uid: String, group: String) throws {
    let line = JSONValue.object([.init("input", "Q"), .init("output", "A"), .init("uid", .string(uid))])
    #expect(try FormatSupport.imported([line], as: "verl").records[0]["group"] == .string(group))
  }

  @Test("a NaN score is no reward, and null is no answer")
  func missing() throws {
    let records = try FormatSupport.imported(FormatSupport.fixture("verl"), as: "verl").records
    #expect(records[2]["reward"] == nil)
    #expect(records[2]["rewards"] == ["format": .number("0.0")])
    #expect(records[4]["response"] == nil)
    #expect(records[4]["answer"] == ["2", "3"])
    #expect(records[3]["answer"] == nil)
    #expect(records[3]["extra"] == ["response": "a peer's own"])
    #expect(records[3]["rewards"] == nil)
  }

  @Test("rows of two files are not one group, even with the same step and input")
  func files() throws {
    var importer = VerlFormat().makeImporter(options: ImportOptions())
    let line: JSONValue = ["input": "Q", "output": "A", "score": 1, "step": 1]
    for file in ["a/1.jsonl", "b/1.jsonl", "a/1.jsonl"] {
      _ = try importer.records(from: line, at: SourceLocation(file: file, line: 1, column: 1))
    }
    #expect(importer.summary.groupSizes.description == "1 group of 1, 1 group of 2")
  }

  @Test("--group-by names the group by keys, also inside objects")
  func groupBy() throws {
    var options = ImportOptions()
    options.groupBy = ["step", "info.index"]
    let imported = try FormatSupport.imported(
      """
      {"input":"Q","output":"A","step":1,"uid":"x","info":{"index":4}}
      {"input":"R","output":"A","step":1,"uid":"y","info":{"index":4}}
      """, as: "verl", options: options)
    #expect(imported.records.map { $0["id"] } == ["1-4/0", "1-4/1"])
    let message = FormatSupport.message {
      _ = try FormatSupport.imported(#"{"input":"Q","output":"A","step":1}"#, as: "verl", options: options)
    }
    #expect(message == "in.jsonl:1:1: 'info.index' is missing, but groups are named by it")
  }

  @Test("a uid that comes back in another step is reported")
  func steps() throws {
    let imported = try FormatSupport.imported(
      """
      {"input":"Q","output":"A","step":1,"uid":"x"}
      {"input":"Q","output":"A","step":2,"uid":"x"}
      """, as: "verl")
    #expect(
      imported.summary.notes == [
        "1 groups have rollouts of several steps: group by the step too, if these are different samplings of one prompt"
      ])
  }

  @Test("42 groups of 8 and 207 of 4 in real rollouts", .enabled(if: oracles != nil))
  func realFile() throws {
    let folder = URL(filePath: try #require(Self.oracles)).deletingLastPathComponent()
    let lines = try FormatSupport.lines(at: folder.appending(path: "data/aokvqa_rollouts.verl.jsonl"))
    #expect(try FormatCatalog.standard.detect(sample: Array(lines.prefix(20)), file: "x").name == "verl")
    let imported = try FormatSupport.imported(lines, as: "verl")
    #expect(imported.records.count == 1164)
    #expect(imported.summary.groupSizes.description == "207 groups of 4, 42 groups of 8")
    let back = try FormatSupport.exported(imported.records, to: "verl")
    #expect(back.losses == [])
    #expect(try FormatSupport.imported(back.lines, as: "verl").records == imported.records)
  }
}

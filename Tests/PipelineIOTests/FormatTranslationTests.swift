// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("Reading peers' formats", .timeLimit(.minutes(15)))
struct FormatTranslationTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  @Test("a verl dump is found out and read as trajectories, bare NaN as no value")
  func verl() async throws {
    let lines = [
      #"{"input":"q","output":"a","gts":"C","score":1.5,"step":0,"uid":"7-0_0_0","accuracy":1.0}"#,
      #"{"input":"q","output":"b","gts":"C","score":NaN,"step":0,"uid":"7-0_1_0","accuracy":0.0}"#,
      #"{"input":"q","output":"c","gts":"C","score":1,,"step":0}"#,
    ]
    let file = try folder.file("1.jsonl", lines.joined(separator: "\n"))
    let reading = try await Reading.of([file])
    #expect(reading.trajectories.map(\.group) == ["7-0", "7-0"])
    #expect(reading.trajectories.map(\.reward) == [1.5, nil])
    #expect(try reading.trajectories.map { try $0.response } == ["a", "b"])
    #expect(reading.trajectories.map(\.record.line) == [1, 2])
    #expect(reading.counts.nonFiniteRecords == 1)
    #expect(reading.counts.lines == 3)
    #expect(reading.bad.map(\.location) == [SourceLocation(file: file, line: 3, column: 47)])
    #expect(reading.bad.map(\.reason) == ["not JSON: missing key"])
  }

  @Test("each record of a columnar line knows its line")
  func columnar() async throws {
    let lines = (0..<3).map { step in
      #"{"step":"\#(step)","prompt":["p","p"],"completion":["c\#(step)","d"],"Accuracy":[1.0,0.0]}"#
    }
    let file = try folder.file("completions.jsonl", lines.joined(separator: "\n"))
    let reading = try await Reading.of([file]) { $0.format = "ms-swift" }
    #expect(try reading.trajectories.map { try $0.response } == ["c0", "d", "c1", "d", "c2", "d"])
    #expect(reading.trajectories.map(\.record.line) == [1, 1, 2, 2, 3, 3])
    #expect(Set(reading.trajectories.map(\.id)).count == 6)
  }

  @Test(
    "what is known of a record that was made of a peer's row is what a scan of its line finds",
    arguments: FormatSupport.names)
  func known(format: String) async throws {
    let rows =
      try FormatSupport.fixture(format).map(\.json) + [#"{"input":"\u0061 \" b","output":"c","k e\ty" : [1, NaN]}"#]
    let made = try await Reading.of([try folder.file("rows.jsonl", rows.joined(separator: "\n"))]) {
      $0.format = format
    }
    let lines = try made.trajectories.map { try $0.record.withBytes { String(decoding: $0, as: UTF8.self) } }
    let scanned = try await Reading.of([try folder.file("records.jsonl", lines.joined(separator: "\n"))]) {
      $0.format = "shuffle-r1"
    }
    #expect(!lines.isEmpty && scanned.trajectories.map(\.id) == made.trajectories.map(\.id))
    for (made, scanned) in zip(made.trajectories, scanned.trajectories) {
      #expect(made.group == scanned.group)
      for field in Field.reserved {
        #expect(made.has(field) == scanned.has(field))
        #expect(try made.value(of: field) == scanned.value(of: field))
        #expect(made.record.member(of: field)?.value == scanned.record.member(of: field)?.value)
      }
    }
  }

  @Test("lines of no known format, and unknown formats, are errors that list what is known")
  func unknown() async throws {
    let file = try folder.file("x.jsonl", #"{"foo":1}"#)
    let known = FormatCatalog.standard.names.joined(separator: ", ")
    #expect(
      await Reading.failure(of: [file])
        == "\(file):1:1: no known format has lines like these (foo); name one with --from, or as 'format' in a spec's source: \(known)"
    )
    #expect(
      await Reading.failure(of: [file]) { $0.format = "verll" }
        == "unknown format 'verll'; did you mean 'verl'? Known formats: \(known)")
  }

  @Test(
    "the real dump gives 42 groups of 8 and 207 of 4",
    .enabled(if: ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"] != nil))
  func realDump() async throws {
    let oracles = try #require(ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"])
    let reading = try await Reading.of([oracles + "/../data/aokvqa_rollouts.verl.jsonl"])
    var sizes: [String: Int] = [:]
    for trajectory in reading.trajectories { sizes[trajectory.group, default: 0] += 1 }
    #expect(reading.trajectories.count == 1_164)
    #expect(sizes.values.count { $0 == 8 } == 42)
    #expect(sizes.values.count { $0 == 4 } == 207)
    #expect(reading.bad.isEmpty)
  }
}

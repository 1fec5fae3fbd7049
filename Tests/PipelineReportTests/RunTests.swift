// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import PipelineReport
import Testing

@Suite("a report of a run", .timeLimit(.minutes(15)))
struct RunReportTests {
  let scratch: Scratch
  let sink = MemorySink()

  init() throws { scratch = try Scratch() }

  static func lineage(_ step: Int) -> String {
    """
    {"step":\(step),"id":"a/0","group":"a","outcome":"kept","reward":1,"reward_status":"scored","rewards":{"accuracy":1},"advantage":0.7,"pair":{"rank":0,"side":"high","weight":1.4,"partner":"a/1"},"draws":[0,5]}
    {"step":\(step),"id":"a/1","group":"a","outcome":"dropped","stage":"pairwise-sample","rule":"inner-pair","reward":0,"advantage":-0.7}
    {"step":\(step),"id":"a/2","group":"a","outcome":"kept","reward":0,"advantage":-0.7}

    """
  }

  static func rollouts(_ step: Int, ids: [Int] = [0, 2]) -> String {
    ids.map {
      #"{"id":"a/\#($0)","group":"a","step":\#(step),"response":"r\#($0) of \#(step)","finish":"stop"}"# + "\n"
    }.joined()
  }

  @Test("lineage and rollouts are put together by step and id")
  func joined() async throws {
    let run = try scratch.writeRun(
      steps: 2,
      files: [
        "lineage.jsonl": Self.lineage(0) + Self.lineage(1), "rollouts.jsonl.zst": Self.rollouts(0) + Self.rollouts(1),
      ])
    try await report([run], into: sink).advance()
    #expect(try sink.column("outcome") == ["kept", "dropped", "kept", "kept", "dropped", "kept"])
    #expect(try sink.column("rule") == [.null, "inner-pair", .null, .null, "inner-pair", .null])
    #expect(try sink.column("draws") == [2, .null, .null, 2, .null, .null])
    #expect(try sink.column("pair.partner")[0] == "a/1")
    #expect(try sink.column("finish") == ["stop", .null, "stop", "stop", .null, "stop"])
    let lines = sink.text("bodies/0-0").split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.map { $0.contains("r2 of 1") } == [false, false, false, false, false, true, false])
    #expect(lines[1] == "" && lines[4] == "")
    let stage = try sink.json("manifest/")["sources"]?.arrayValue?.first?["stages"]?.arrayValue?.first
    #expect(stage?["rules"]?["inner-pair"]?.stringValue?.contains("outermost") == true)
  }

  @Test("figures are explained under the names that they have in a run")
  func figures() async throws {
    try await report([try scratch.writeRun(steps: 1, files: ["lineage.jsonl": Self.lineage(0)])], into: sink).advance()
    let metrics = try #require(try sink.json("manifest/")["metrics"]?.arrayValue)
    let names = metrics.compactMap { $0["name"]?.stringValue }
    #expect(names.contains("shuffle/units") && names.contains("process/<name>"))
    #expect(names.filter { NamePattern.matches("val/accuracy", $0) } == ["val/<score>"])
  }

  @Test("what was trained on stands in for the rollouts that a run does not keep, in any order")
  func selected() async throws {
    let run = try scratch.writeRun(
      steps: 1, files: ["lineage.jsonl": Self.lineage(0), "selected.jsonl": Self.rollouts(0, ids: [2, 0])])
    try await report([run], into: sink).advance()
    let lines = sink.text("bodies/0-0").split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0].contains("r0 of 0") && lines[1] == "" && lines[2].contains("r2 of 0"))
  }

  @Test("only complete steps are shown, and a further look reads what has been added")
  func follows() async throws {
    let metrics = #"{"step":0,"critic/rewards/mean":0.5}"# + "\n"
    func files(_ steps: Int) -> [String: String] {
      [
        "lineage.jsonl": (0..<steps).map(Self.lineage).joined(),
        "rollouts.jsonl.zst": (0..<steps).map { Self.rollouts($0) }.joined(),
        "metrics.jsonl": String(repeating: metrics, count: steps),
      ]
    }
    let run = try scratch.writeRun(steps: 1, files: files(1), beyond: #"{"step":1,"id":"a/0","gro"#)
    let builder = try report([run], into: sink) { $0.isLive = true }
    #expect(try await builder.advance().rows == 3)
    #expect(try await builder.advance().rows == 3)
    #expect(sink.manifestCount == 1, "nothing new is not written again")
    _ = try scratch.writeRun(steps: 3, finished: true, files: files(3))
    #expect(try await builder.advance().rows == 9)
    #expect(sink.names.filter { $0.hasPrefix("series/") } == ["series/0-metrics-0", "series/0-metrics-1"])
    #expect(sink.text("series/0-metrics-1") == metrics + metrics)
    #expect(try sink.column("step", block: 1) == [1, 1, 1, 2, 2, 2])
    #expect(sink.text("bodies/1-0").contains("r2 of 2"))
    _ = try scratch.writeRun(steps: 1, files: files(1))
    await #expect(throws: RestartedRun.self) { try await builder.advance() }
  }

  @Test("a run that was killed before its first step, and one whose files are gone")
  func nothing() async throws {
    try scratch.write("fresh/resolved.json", "{}")
    let summary = try await report([scratch.path + "/fresh"], into: sink).advance()
    #expect(summary.rows == 0)
    let run = try scratch.writeRun(
      "bare", steps: 1, finished: true, files: ["lineage.jsonl": Self.lineage(0), "metrics.jsonl": "{\"step\":0}\n"])
    try FileManager.default.removeItem(atPath: run + "/lineage.jsonl")
    let bare = MemorySink()
    #expect(try await report([run], into: bare).advance().rows == 0)
    #expect(bare.names == ["manifest/", "series/0-metrics-0"])
  }

  @Test("a folder of runs is all of them, by their paths; a folder without is an error that says what to name")
  func folders() async throws {
    for name in ["study/half/seed-10", "study/half/seed-2", "study/all/seed-2"] {
      _ = try scratch.writeRun(name, steps: 0, files: [:])
    }
    try await report([scratch.path + "/study"], into: sink).advance()
    let names = try sink.json("manifest/")["sources"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
    #expect(names == ["all/seed-2", "half/seed-2", "half/seed-10"])
    try scratch.write("other/file.txt", "")
    let error = #expect(throws: PipelineError.self) { try report([scratch.path + "/other"], into: sink) }
    #expect(error?.message.contains("holds no run (no resolved.json, nor in the folders below)") == true)
  }

  @Test("view settings: the user's over the run's")
  func settings() async throws {
    let spec =
      #"{"stages":[],"output":{"report":{"accuracy":"format","right_from":0.7,"columns":[],"token_colors":"mask"}}}"#
    let run = try scratch.writeRun(steps: 0, spec: spec, files: [:])
    try await report([run], into: sink) { $0.settings = [.init("accuracy", "exact")] }.advance()
    #expect(
      try sink.json("manifest/")["settings"] == [
        "accuracy": "exact", "right_from": .number("0.7"), "token_colors": "mask",
      ])
  }

  @Test("warnings that the metrics give stand in the report, at their step")
  func warnings() async throws {
    let lines = (0..<12).map {
      #"{"step":\#($0),"response_length/mean":10,"response_length/clip_ratio":0.9,"critic/score/mean":0.\#($0 % 5)1}"#
        + "\n"
    }
    let run = try scratch.writeRun(steps: 12, files: ["metrics.jsonl": lines.joined()])
    try await report([run], into: sink).advance()
    let events = try sink.json("manifest/")["sources"]?.arrayValue?.first?["events"]?.arrayValue ?? []
    #expect(events.contains { $0["kind"] == "warning" && $0["step"]?.intValue ?? 0 > 0 })
  }

  @Test("where a run was resumed stands in the report, at the first step behind it")
  func resumes() async throws {
    let parts = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T09:30:00Z", "2026-01-02T09:30:00Z"]
    let lines = parts.enumerated().map { #"{"step":\#($0),"started":"\#($1)","timing_s/step":1}"# + "\n" }
    let run = try scratch.writeRun(steps: 4, files: ["timings.jsonl": lines.joined()])
    try await report([run], into: sink).advance()
    let events = try sink.json("manifest/")["sources"]?.arrayValue?.first?["events"]?.arrayValue ?? []
    #expect(events == [["step": 2, "kind": "resume", "text": "resumed at 2026-01-02T09:30:00Z"]])
  }

  @Test("each figure becomes a chart")
  func charts() throws {
    let evaluations =
      #"{"step":0,"val/<a>":0.25,"val/<a>_low":0.1,"val/<a>_high":0.4}"# + "\n"
      + #"{"step":5,"val/<a>":0.5,"val/<a>_low":0.4,"val/<a>_high":0.6}"# + "\n"
    let run = try scratch.writeRun(
      steps: 6, files: ["evaluations.jsonl": evaluations, "metrics.jsonl": "{\"step\":0,\"val/<a>\":9}\n"])
    let sources = try ReportSource.sources(at: [run], reading: .init(paths: []))
    try ChartFiles.write(sources, to: scratch.path + "/charts")
    #expect(try scratch.names("charts") == ["val--a-.svg"])
    let chart = try scratch.read("charts/val--a-.svg")
    #expect(chart.contains("<title>val/&lt;a&gt;</title>"))
    #expect(chart.components(separatedBy: "<circle").count == 3)
    #expect(chart.contains("fill-opacity"))
  }
}

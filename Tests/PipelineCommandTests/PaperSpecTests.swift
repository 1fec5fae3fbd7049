// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("Examples/papers: a spec for each paper", .timeLimit(.minutes(15)), .ownThreads)
struct PaperSpecTests {
  private static let folder = Program.package.appending(path: "Examples/papers").path

  static let names: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }

  /// A spec on the small model of the tests, whose answers are three tokens long.
  private static func small(_ name: String) throws -> String {
    var text = try String(contentsOfFile: "\(folder)/\(name).json", encoding: .utf8)
    for (old, new) in [
      ("../easy-vqa/model", "model"),
      (#""max_tokens": 24"#, #""top_k": 2, "max_tokens": 3"#), ("boxed-answer", "exact"),
      (#""steps": 60"#, #""steps": 3"#),
      (#""every": 20"#, #""every": 1"#),
    ] {
      #expect(text.contains(old), "\(name): \(old)")
      text = text.replacing(old, with: new)
    }
    let prompts = try Regex(#""[^"]*easy-vqa/data/train[^"]*\.jsonl""#)
    #expect(text.contains(prompts), "\(name): prompts")
    text = text.replacing(prompts, with: #""prompts.jsonl""#)
    return text.replacing(try Regex(#""groups": [0-9]+"#), with: #""groups": 3"#)
      .replacing(try Regex(#""n": [0-9]+"#), with: #""n": 8"#)
  }

  private func sandbox(_ name: String) throws -> Sandbox {
    let sandbox = try Sandbox.withTraining()
    try sandbox.write("paper.json", Self.small(name))
    // What a curriculum goes by.
    let prompts = sandbox.text("prompts.jsonl").split(separator: "\n").enumerated().map { index, line in
      line.dropLast() + ", \"difficulty\": \(index * 9)}\n"
    }
    try sandbox.write("prompts.jsonl", prompts.joined())
    return sandbox
  }

  @Test("runs, gives the same bytes on any number of threads, and resumes to them after a kill", arguments: names)
  func runs(name: String) throws {
    let sandbox = try sandbox(name)
    try sandbox.output("shuffle-r1 run paper.json -q -o whole --threads 1")
    let whole = sandbox.training(in: "whole")
    #expect(sandbox.text("whole/metrics.jsonl").count { $0 == "\n" } == 3)
    // Each learns something on the way.
    let norms = try sandbox.records(in: "whole/metrics.jsonl").compactMap { $0["actor/grad_norm"]?.doubleValue }
    #expect(norms.count == 3 && norms.contains { $0 > 0 }, "\(norms)")
    for threads in [2, 7] {
      try sandbox.output("shuffle-r1 run paper.json -q -o part-\(threads) --threads \(threads)")
      #expect(sandbox.training(in: "part-\(threads)") == whole, "\(threads) threads")
    }
    let program = try sandbox.start("exec shuffle-r1 run paper.json -q -o killed")
    for _ in 0..<12_000 where sandbox.text("killed/metrics.jsonl").isEmpty { Thread.sleep(forTimeInterval: 0.005) }
    program.send(SIGKILL)
    _ = try program.wait()
    try sandbox.output("shuffle-r1 run paper.json -q -o killed --resume --threads 2")
    #expect(sandbox.training(in: "killed") == whole)
  }

  @Test("as it is written, it passes the check", arguments: names)
  func check(name: String) throws {
    let sandbox = try Sandbox()
    #expect(try sandbox.output("shuffle-r1 check --quiet '\(Self.folder)/\(name).json'") == "")
  }

  @Test("every paper of a spec is one that a component follows, and the guide names its file")
  func papers() throws {
    let sandbox = try Sandbox()
    func links(_ command: String) throws -> [String: [JSONValue]] {
      let entries = try JSONValue(parsing: sandbox.output(command)).arrayValue ?? []
      return Dictionary(
        uniqueKeysWithValues: entries.map { ($0["link"]?.stringValue ?? "", $0["followed_by"]?.arrayValue ?? []) })
    }
    let components = try links("shuffle-r1 describe --papers --json")
    let specs = try links("shuffle-r1 describe --papers --json '\(Self.folder)'")
    #expect(Self.names.count >= 20)
    #expect(specs.values.reduce(0) { $0 + $1.count } == Self.names.count)
    for link in specs.keys.sorted() { #expect(components[link] != nil, "\(link)") }
    let guide = try String(
      contentsOf: Program.package.appending(path: "Sources/PipelineCore/PipelineCore.docc/Methods.md"), encoding: .utf8)
    for name in Self.names { #expect(guide.contains("`\(name).json`"), "\(name)") }
  }

  @Test("describe lists what follows a paper: components, one of them, or specs with what differs")
  func listing() throws {
    let sandbox = try Sandbox()
    #expect(
      try sandbox.output("shuffle-r1 describe max-rl --papers") == """
        https://arxiv.org/abs/2602.02710
          Maximum Likelihood Reinforcement Learning (MaxRL): advantage max-rl

        """)
    try sandbox.write(
      "p.json", #"{"paper": {"title": "On X", "id": "2501.00001", "differs": ["It has no y."]}, "stages": []}"#)
    try sandbox.write("plain.json", "{}")
    #expect(
      try sandbox.output("shuffle-r1 describe --papers .") == """
        https://arxiv.org/abs/2501.00001
          On X: spec ./p.json
            differs: It has no y.

        """)
    #expect(try sandbox.output("shuffle-r1 describe --papers plain.json") == "no papers\n")
    try sandbox.write("wrong.json", #"{"paper": {"title": "On X", "id": "X"}}"#)
    try Case(
      "a paper without a number", "shuffle-r1 describe --papers wrong.json", status: 2,
      #"shuffle-r1: error: wrong.json:1:29: 'id' is "X", it must be a number on arXiv, such as 2508.05612, or begin with https://"#
    ).check(in: sandbox)
    try Case(
      "both lists", "shuffle-r1 describe --papers --metrics 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --metrics and --papers are two lists; give one of them"
    ).check(in: sandbox)
  }

  @Test("a paper changes nothing that a run computes, is kept in what it records, and may change before a resume")
  func ignored() throws {
    let sandbox = try Sandbox.withTraining()
    let plain = sandbox.text("simple.json")
    let paper = #"{"title": "On X", "id": "2501.00001", "differs": ["It has no y."]}"#
    try sandbox.write("paper.json", plain.replacing(#""policy":"#, with: #""paper": \#(paper), "policy":"#))
    try sandbox.output("shuffle-r1 run simple.json -q -o plain; shuffle-r1 run paper.json -q -o paper")
    #expect(sandbox.bytes("plain/selected.jsonl") == sandbox.bytes("paper/selected.jsonl"))
    #expect(sandbox.bytes("plain/metrics.jsonl") == sandbox.bytes("paper/metrics.jsonl"))
    #expect(sandbox.text("paper/resolved.json").contains("On X"))
    #expect(!sandbox.text("plain/resolved.json").contains("paper"))
    try sandbox.output("shuffle-r1 run simple.json -q -o paper --resume")
  }
}

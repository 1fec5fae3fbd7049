// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("Same spec, same seed, same input: same bytes", .timeLimit(.minutes(15)), .ownThreads)
struct DeterminismTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("unscored.jsonl", Samples.unscored(groups: 40))
    try sandbox.write("p.json", Samples.wholeSpec)
    try sandbox.write("p.yaml", Samples.wholeSpecYAML)
    try sandbox.output("shuffle-r1 run p.json -q -o one --threads 1")
  }

  @Test("the run that the others are compared with has every file, and something in it")
  func reference() {
    let files = sandbox.run(in: "one")
    #expect(
      Set(files.keys) == [
        ".lock", "resolved.json", "state.json", "metrics.jsonl", "lineage.jsonl", "selected.jsonl", "taps",
        "taps/before.jsonl", "taps/after.jsonl",
      ])
    #expect(sandbox.text("one/metrics.jsonl").split(separator: "\n").count == 5)
    #expect(sandbox.text("one/lineage.jsonl").split(separator: "\n").count == 320)
    #expect(sandbox.text("one/selected.jsonl").contains(#""theirs":{"kept": [1e3, "\u00e9"]}"#))
    #expect(sandbox.text("one/selected.jsonl").contains(#""draws":["#))
  }

  @Test("any number of threads", arguments: [2, 7])
  func threads(_ threads: Int) throws {
    try sandbox.output("shuffle-r1 run p.json -q -o many --threads \(threads)")
    #expect(sandbox.run(in: "many") == sandbox.run(in: "one"))
  }

  @Test("a spec in YAML, from another folder, and the resolved one of a run")
  func specs() throws {
    try sandbox.output(
      """
      shuffle-r1 run p.yaml -q -o yaml; shuffle-r1 run one/resolved.json -q -o again
      mkdir far; cd far; shuffle-r1 run ../p.json -q -o ../far-away
      """)
    for other in ["yaml", "again", "far-away"] { #expect(sandbox.run(in: other) == sandbox.run(in: "one")) }
  }

  @Test("a directory that a link leads to: the resolved spec finds its input from there")
  func links() throws {
    try sandbox.output(
      """
      mkdir -p elsewhere/deep; ln -s elsewhere/deep runs; shuffle-r1 run p.json -q -o runs/linked
      shuffle-r1 run elsewhere/deep/linked/resolved.json -q -o elsewhere/deep/linked --resume
      shuffle-r1 run runs/linked/resolved.json -q -o elsewhere/deep/again
      shuffle-r1 run p.json -o runs/linked/../linked --resume 2>&1 | grep -q 'nothing left to do'
      """)
    #expect(sandbox.run(in: "runs/linked") == sandbox.run(in: "elsewhere/deep/again"))
    let input = sandbox.text("runs/linked/resolved.json").firstMatch(of: #/"rollouts": "([^"]*)"/#)?.1
    #expect(input == "../../../unscored.jsonl")
  }

  @Test("another seed draws otherwise")
  func seeds() throws {
    try sandbox.output("shuffle-r1 run p.json -q -o other --set seed=8")
    #expect(sandbox.bytes("other/taps/before.jsonl") == sandbox.bytes("one/taps/before.jsonl"))
    #expect(sandbox.bytes("other/selected.jsonl") != sandbox.bytes("one/selected.jsonl"))
  }

  @Test("the input as gzip, as Zstandard, and from standard input", arguments: ["gz", "zst", "-", "pipe"])
  func inputs(_ kind: String) throws {
    let file = kind == "gz" || kind == "zst" ? "unscored.jsonl.\(kind)" : "-"
    let feed = kind == "-" ? "< unscored.jsonl" : kind == "pipe" ? "< <(cat unscored.jsonl)" : ""
    try sandbox.output(
      """
      shuffle-r1 convert -q unscored.jsonl unscored.jsonl.gz; shuffle-r1 convert -q unscored.jsonl unscored.jsonl.zst
      gzip -dc unscored.jsonl.gz | cmp - <(shuffle-r1 convert -q unscored.jsonl.zst -)
      shuffle-r1 run p.json -q -o out --set source.rollouts=\(file) \(feed)
      """)
    var (out, one) = (sandbox.run(in: "out"), sandbox.run(in: "one"))
    for files in [out, one] { #expect(files["resolved.json"] != nil) }
    (out["resolved.json"], one["resolved.json"]) = (nil, nil)
    if file == "-" { #expect(out == one) }
    // Compressed by way of `convert`, which writes unknown values anew: the same values, other bytes.
    for name in ["metrics.jsonl", "lineage.jsonl"] { #expect(out[name] == one[name]) }
  }

  static let stages = """
    shuffle-r1 stage reward -q --batch-groups 8 --lineage l0 --with '{"functions": [
        {"use": "boxed-answer", "weight": 0.9, "name": "accuracy"}, {"use": "format", "weight": 0.1}]}' \\
      < unscored.jsonl \\
    | shuffle-r1 stage filter -q --lineage l1 --with '{"rule": "zero-variance"}' \\
    | shuffle-r1 stage advantage -q --lineage l2 \\
    | shuffle-r1 stage pairwise-sample -q --lineage l3 --with '{"keep": 0.75}' \\
    | shuffle-r1 stage shuffle -q --lineage l4 --with '{"rounds": 4}' --seed 7 > piped.jsonl
    """

  @Test("a pipe of stages selects what the run selects, and its lineage says the same")
  func pipe() throws {
    try sandbox.output(Self.stages)
    // The pipe stamps `batch`, the run keeps the records' own `step`.
    let piped = sandbox.text("piped.jsonl").replacing(#/,"batch":\d+/#, with: "")
    #expect(piped == sandbox.text("one/selected.jsonl"))
    let lineage = sandbox.text("one/lineage.jsonl").split(separator: "\n")
    #expect(
      sandbox.text("l4").split(separator: "\n").filter { $0.contains(#""kept""#) }
        == lineage.filter { $0.contains(#""kept""#) })
    for (file, stage) in [("l1", "filter"), ("l3", "pairwise-sample"), ("l4", "shuffle")] {
      let mark = #""outcome":"dropped","stage":"\#(stage)""#
      let dropped = sandbox.text(file).split(separator: "\n").filter { $0.contains(mark) }
      #expect(dropped == lineage.filter { $0.contains(mark) })
      #expect(!dropped.isEmpty)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(
  "Parts of a larger input: where groups lie, and batches that are numbered as in the whole", .timeLimit(.minutes(15)),
  .ownThreads)
struct PartTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("p.json", Samples.spec)
  }

  @Test("the later batches of a run, alone, are those of the run", arguments: [1, 2])
  func run(_ first: Int) throws {
    try sandbox.output("shuffle-r1 run p.json -q -o whole; tail -n +\(8 * first + 1) scored.jsonl > later.jsonl")
    try sandbox.output(
      "shuffle-r1 run p.json -q -o part --set source.rollouts=later.jsonl --set source.first_batch=\(first)")
    for name in ["selected", "lineage", "metrics"] {
      let step = /"step":(\d+)/
      let lines = sandbox.text("whole/\(name).jsonl").split(separator: "\n").filter { line in
        line.firstMatch(of: step).flatMap { Int($0.1) }.map { $0 >= first } ?? false
      }
      #expect(!lines.isEmpty && sandbox.text("part/\(name).jsonl") == lines.joined(separator: "\n") + "\n")
    }
  }

  @Test("so are those of a stage alone; with another number they are drawn otherwise")
  func stage() throws {
    let select = "shuffle-r1 stage advantage -q --batch-groups 2 < scored.jsonl | shuffle-r1 stage shuffle -q"
    let whole = try sandbox.output(select).split(separator: "\n")
    let later = "tail -n +9 scored.jsonl | shuffle-r1 stage advantage -q --batch-groups 2 --first-batch 1"
    let part = try sandbox.output("\(later) | shuffle-r1 stage shuffle -q --first-batch 1").split(separator: "\n")
    #expect(!part.isEmpty && part == whole.filter { !$0.contains(#""batch":0"#) })
    #expect(try sandbox.output("\(later) | shuffle-r1 stage shuffle -q").split(separator: "\n") != part)
  }

  @Test("a run that begins later is resumed where it stopped")
  func resume() throws {
    let part = "shuffle-r1 run p.json -q --set source.first_batch=5"
    try sandbox.output("\(part) -o whole")
    let stopped = try sandbox.run(
      "head -n 12 scored.jsonl > all.jsonl; head -n 16 scored.jsonl | tail -n 4 | sed s/g3/g0/g >> all.jsonl; "
        + "\(part) -o part --set source.rollouts=all.jsonl")
    #expect(stopped.status == 1 && stopped.errors.contains("1 complete step is in part; continue with --resume"))
    try sandbox.output("\(part) -o part --set source.rollouts=scored.jsonl --resume --accept-changes")
    for name in ["selected", "lineage", "metrics"] {
      #expect(sandbox.bytes("part/\(name).jsonl") == sandbox.bytes("whole/\(name).jsonl"))
    }
  }

  @Test("groups are listed with the lines they lie in, unusable ones left out")
  func groups() throws {
    try sandbox.write(
      "mixed.jsonl",
      Samples.record("a/0", "a") + "{broken\n\n" + Samples.record("a/1", "a") + Samples.record("b/0", "b")
        + Samples.record("a/2", "a"))
    #expect(
      try sandbox.output("shuffle-r1 groups p.json --set source.rollouts=mixed.jsonl") == """
        {"line":1,"records":2,"group":"a"}
        {"line":5,"records":1,"group":"b"}
        {"line":6,"records":1,"group":"a"}

        """)
  }

  @Test("where a field cuts batches, its value stands beside, compressed input or not")
  func cut() throws {
    try sandbox.write(
      "steps.jsonl",
      ["0", "0", "1"].enumerated().map { index, step in
        #"{"id":"a/\#(index)","group":"a","prompt":"p","response":"r","reward":1,"step":\#(step)}"# + "\n"
      }.joined())
    let groups = "shuffle-r1 groups p.json --set 'source.batch={\"by\":\"step\"}' --set source.rollouts="
    let listed =
      "{\"line\":1,\"records\":2,\"group\":\"a\",\"cut\":\"0\"}\n"
      + "{\"line\":3,\"records\":1,\"group\":\"a\",\"cut\":\"1\"}\n"
    #expect(try sandbox.output("\(groups)steps.jsonl") == listed)
    #expect(try sandbox.output("gzip steps.jsonl; \(groups)steps.jsonl.gz") == listed)
  }

  @Test("more than one file is refused")
  func files() throws {
    try Case(
      "two files", #"shuffle-r1 groups p.json --set 'source.rollouts=["scored.jsonl","scored.jsonl"]'"#, status: 2,
      "shuffle-r1: error: 'groups' lists one file of saved rollouts; name it with --set source.rollouts=FILE"
    ).check(in: sandbox)
  }
}

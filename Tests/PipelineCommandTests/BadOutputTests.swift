// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("Outputs that cannot be written", .timeLimit(.minutes(15)), .ownThreads)
struct BadOutputTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("p.json", Samples.spec)
    try sandbox.write("there.jsonl", "mine\n")
    try sandbox.write("folder/mine.txt", "mine\n")
    try sandbox.write("config.yaml", "algorithm: {adv_estimator: grpo}\n")
    try sandbox.output("shuffle-r1 run p.json -q -o done")
  }

  static let refused: [Case] = [
    Case(
      "convert onto a file", "shuffle-r1 convert scored.jsonl there.jsonl",
      "shuffle-r1: error: there.jsonl exists already; name another file, or say --force to replace it"),
    Case(
      "convert onto its input", "shuffle-r1 convert scored.jsonl scored.jsonl",
      "shuffle-r1: error: scored.jsonl exists already; name another file, or say --force to replace it"),
    Case(
      "convert onto a folder", "shuffle-r1 convert --force scored.jsonl folder",
      "shuffle-r1: error: cannot write folder: it is a directory; name a file"),
    Case(
      "convert into a folder that is not there", "shuffle-r1 convert scored.jsonl none/x.jsonl",
      "shuffle-r1: error: cannot write none/x.jsonl: there is no such folder; make it, or name another file"),
    Case(
      "convert under a file", "shuffle-r1 convert scored.jsonl there.jsonl/x",
      "shuffle-r1: error: cannot write there.jsonl/x: a part of the path is not a directory"),
    Case(
      "lineage onto a file", "shuffle-r1 stage advantage --lineage there.jsonl < scored.jsonl",
      "shuffle-r1: error: there.jsonl exists already; name another file, or say --force to replace it"),
    Case(
      "bad records onto a file", "shuffle-r1 stage advantage --bad-records there.jsonl < scored.jsonl",
      "shuffle-r1: error: there.jsonl exists already; name another file, or say --force to replace it"),
    Case(
      "a tap onto a file", "shuffle-r1 stage tap --with '{\"name\": \"there\"}' < scored.jsonl",
      """
      shuffle-r1: error: stage 'tap', step 0: there.jsonl exists already; name another file, or say --force to \
      replace it
      """),
    Case(
      "a tap onto the lineage", "shuffle-r1 stage tap --lineage tap.jsonl --force < scored.jsonl",
      """
      shuffle-r1: error: stage 'tap', step 0: the tap goes to tap.jsonl, which --lineage or --bad-records names too
      """),
    Case(
      "a spec onto a file", "shuffle-r1 import-config config.yaml --output there.jsonl",
      "shuffle-r1: error: there.jsonl exists already; name another file, or say --force to replace it"),
    Case(
      "a run onto a file", "shuffle-r1 run p.json -o there.jsonl",
      "shuffle-r1: error: there.jsonl is a file; a run needs a directory: name another with --output"),
    Case(
      "a run into somebody's folder", "shuffle-r1 run p.json -o folder --overwrite",
      "shuffle-r1: error: folder is not empty and holds no run; name another directory with --output"),
    Case(
      "a run under a file", "shuffle-r1 run p.json -o there.jsonl/x",
      "shuffle-r1: error: cannot make the directory there.jsonl/x; check the path and its permissions"),
    Case(
      "a run onto a run", "shuffle-r1 run p.json -o done",
      """
      shuffle-r1: error: done holds a run already; continue it with --resume, replace it with --overwrite, or name \
      another directory with --output
      """),
    Case(
      "a run onto its own input",
      "shuffle-r1 run p.json -o done --overwrite --set source.rollouts=done/selected.jsonl",
      """
      shuffle-r1: error: done/selected.jsonl, which 'source.rollouts' of p.json names, lies in the directory of this \
      run; name another directory with --output
      """),
    Case(
      "one tap of two stages",
      """
      echo '{"source": {"rollouts": "scored.jsonl"}, "stages": ["tap", {"use": "tap", "name": "other",
        "with": {"name": "tap"}}]}' > two.json; shuffle-r1 run two.json -o two
      """, status: 2,
      leaves: [
        "two.json", "two", "two/.lock", "two/resolved.json", "two/state.json", "two/taps", "two/taps/tap.jsonl",
      ],
      """
      shuffle-r1: error: stage 'other', step 0: stage 'tap' writes a tap named 'tap' too; give one of them another name
      """),
  ]

  @Test("what is there stays, and the message says what to do", arguments: refused)
  func refuses(_ refused: Case) throws { try refused.check(in: sandbox) }

  @Test("--force and --overwrite replace")
  func replaces() throws {
    try sandbox.output("shuffle-r1 convert -q --force scored.jsonl there.jsonl")
    #expect(sandbox.text("there.jsonl") == Samples.scored)
    try sandbox.output("shuffle-r1 convert -q --force there.jsonl there.jsonl")
    #expect(sandbox.text("there.jsonl") == Samples.scored)
    let before = sandbox.run(in: "done")
    try sandbox.output("shuffle-r1 run p.json -q -o done --overwrite")
    #expect(sandbox.run(in: "done") == before)
    try sandbox.output("shuffle-r1 run p.json -q -o done --overwrite --set seed=5 --set output.lineage=false")
    #expect(sandbox.has("done/lineage.jsonl") == false)
  }

  static let itself: [Case] = [
    Case(
      "a conversion that appends", "shuffle-r1 convert scored.jsonl - >> scored.jsonl",
      """
      shuffle-r1: error: scored.jsonl is the file that standard output goes to; send that to another file
      """),
    Case(
      "a stage that appends", "shuffle-r1 stage advantage < scored.jsonl >> scored.jsonl",
      """
      shuffle-r1: error: standard input is the file that standard output goes to; send that to another file
      """),
  ]

  @Test("nothing is written to the end of what is read", arguments: itself)
  func readsWhatItWrites(_ itself: Case) throws { try itself.check(in: sandbox) }

  @Test("an output that appears meanwhile is not replaced")
  func appears() throws {
    let outcome = try sandbox.run(
      """
      mkfifo in; shuffle-r1 convert --from shuffle-r1 in out.jsonl & exec 3> in; cat scored.jsonl >&3
      until ls .out.jsonl.*.partial > /dev/null 2>&1; do sleep 0.01; done
      echo mine > out.jsonl; exec 3>&-; wait $!
      """)
    #expect(outcome.status == 1)
    #expect(
      outcome.errors
        == "shuffle-r1: error: out.jsonl exists already; name another file, or say --force to replace it\n")
    #expect(sandbox.text("out.jsonl") == "mine\n")
    #expect(!sandbox.tree().keys.contains { $0.hasSuffix(".partial") })
  }

  static let full = "the disk is full; nothing that was complete is lost, free some space and run again"
  static let toFullDisk = [
    "shuffle-r1 --help", "shuffle-r1 describe", "shuffle-r1 inspect scored.jsonl", "shuffle-r1 check p.json",
    "shuffle-r1 convert scored.jsonl -", "shuffle-r1 why done g0/0", "shuffle-r1 stage advantage -q < scored.jsonl",
    "shuffle-r1 compare p.json p.json",
  ]

  #if !os(macOS)
    @Test("a full disk is an error, whichever command writes", arguments: toFullDisk)
    func fullDisk(_ command: String) throws {
      let outcome = try sandbox.run("{ \(command); } > /dev/full")
      #expect(outcome.status == 1)
      #expect(outcome.errors == "shuffle-r1: error: cannot write standard output: \(Self.full)\n")
    }

    @Test("a full disk under a named file is an error too")
    func fullDiskUnderAFile() throws {
      try Case(
        "convert", "shuffle-r1 convert scored.jsonl /dev/full",
        "shuffle-r1: error: cannot write /dev/full: \(Self.full)"
      ).check(in: sandbox)
      try Case(
        "lineage", "shuffle-r1 stage advantage -q --lineage /dev/full < scored.jsonl", prints: true,
        "shuffle-r1: error: cannot write /dev/full: \(Self.full)"
      ).check(in: sandbox)
    }
  #endif

  @Test("a run whose report cannot be printed is complete all the same")
  func reportLost() throws {
    #expect(try sandbox.run("shuffle-r1 run p.json -o out >&-").status == 1)
    #expect(sandbox.run(in: "out") == sandbox.run(in: "done"))
  }

  @Test(
    "a reader that has gone ends the work without a word, as the signal would",
    arguments: [
      "shuffle-r1 stage tap --force < big.jsonl", "shuffle-r1 convert big.jsonl -", "shuffle-r1 describe --json",
    ])
  func closedPipe(_ command: String) throws {
    try sandbox.run("for i in $(seq 400); do sed \"s/:\\\"g/:\\\"$i-g/g\" scored.jsonl; done > big.jsonl")
    // The reader has gone for sure before the program starts.
    let outcome = try sandbox.run(
      """
      { until [ -e gone ]; do sleep 0.01; done; \(command); echo $? > status; } | { exec <&-; touch gone; }; cat status
      """)
    #expect(outcome.output == "141\n")
    #expect(outcome.errors == "")
    let head = try sandbox.run("\(command) | head -1")
    #expect(head.output.split(separator: "\n").count == 1)
    #expect(head.errors.contains("error") == false)
    #expect(!sandbox.tree().keys.contains { $0.hasSuffix(".partial") })
  }

  @Test("closed standard streams are errors, not files of ours")
  func closedStreams() throws {
    let closed = "it is closed, or cannot be used for that; redirect it to a file or a pipe"
    #expect(
      try sandbox.run("shuffle-r1 stage advantage <&-").errors
        == "shuffle-r1: error: cannot read standard input: \(closed)\n")
    #expect(
      try sandbox.run("shuffle-r1 stage advantage -q < scored.jsonl >&-").errors
        == "shuffle-r1: error: cannot write standard output: \(closed)\n")
    #expect(try sandbox.run("shuffle-r1 stage advantage < scored.jsonl 2>&- | wc -l").output == "24\n")
  }

  @Test("two runs are never at work in one directory")
  func twoRuns() throws {
    let outcome = try sandbox.run(
      """
      mkfifo pipe.jsonl
      shuffle-r1 run p.json -q -o out --set source.rollouts=pipe.jsonl & first=$!
      until [ -e out/resolved.json ]; do sleep 0.01; done
      for option in '' --resume --overwrite; do
        shuffle-r1 run p.json -o out --set source.rollouts=pipe.jsonl $option; echo $?
      done
      cat scored.jsonl > pipe.jsonl; wait $first; echo $?
      """)
    #expect(outcome.output == "1\n1\n1\n0\n")
    let refusal = "shuffle-r1: error: another run is at work in out; wait for it, or name another --output\n"
    #expect(outcome.errors == String(repeating: refusal, count: 3))
    #expect(sandbox.bytes("out/selected.jsonl") == sandbox.bytes("done/selected.jsonl"))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("Bad and odd data", .timeLimit(.minutes(15)), .ownThreads)
struct BadDataTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    let record = Samples.record
    let files = [
      "scored.jsonl": Samples.scored,
      "p.json": Samples.spec,
      "empty.jsonl": "",
      "blank.jsonl": "\n \n",
      "cut.jsonl": record("a", "g", "1") + #"{"id":"b","group":"g","rew"#,
      "text.jsonl": "nonsense\n",
      "bad.jsonl": String(repeating: "nonsense\n", count: 5) + record("a", "g", "1") + record("b", "g", "0"),
      "string.jsonl": record("a", "g", "\"1\"") + record("b", "g", "1") + record("c", "g", "0"),
      "null.jsonl": record("a", "g", "null") + record("b", "g", "1") + record("c", "g", "0"),
      "nan.jsonl": record("a", "g", "NaN") + record("b", "g", "1") + record("c", "g", "-Infinity"),
      "odd.jsonl": (0..<5).map { record("\($0)", "g", "\($0)") }.joined(),
      "one.jsonl": record("a", "g", "1") + record("b", "h", "0"),
      "equal.jsonl": (0..<8).map { record("\($0)", "g\($0 / 4)", "1") }.joined(),
      "twice.jsonl": record("a", "g", "1") + record("b", "g", "0") + record("a", "g", "0"),
      "split.jsonl": record("a", "g", "1") + record("b", "h", "0") + record("c", "g", "0"),
      "forms.jsonl": record("caf\u{E9}", "gr\u{E9}", "1") + record("cafe\u{301}", "gr\u{E9}", "0")
        + record("x", "gre\u{301}", "1") + record("y", "gre\u{301}", "0"),
      "long.jsonl": "{\"id\":\"a\"," + String(repeating: " ", count: 3_000) + "\"group\":1}\n",
    ]
    for (name, text) in files { try sandbox.write(name, text) }
    try sandbox.write("noise.jsonl", Data((0..<4_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 3) }))
    try sandbox.run(
      """
      gzip -c scored.jsonl | head -c 60 > cut.gz; gzip -c scored.jsonl > torn.gz
      printf '\\377\\377\\377\\377\\377\\377' | dd of=torn.gz bs=1 seek=40 conv=notrunc 2> /dev/null
      shuffle-r1 convert -q scored.jsonl whole.zst; head -c 60 whole.zst > cut.zst; mkdir folder
      printf 'PAR1\\0abc' > x.parquet
      """)
  }

  static let refused: [Case] = [
    Case(
      "an empty file in a run", "shuffle-r1 run p.json -o out --set source.rollouts=empty.jsonl",
      leaves: ["out", "out/.lock", "out/resolved.json"],
      "shuffle-r1: error: empty.jsonl holds no trajectories; check that the right file was named"),
    Case(
      "a file of blank lines in a run", "shuffle-r1 run p.json -o out --set source.rollouts=blank.jsonl",
      leaves: ["out", "out/.lock", "out/resolved.json"],
      "shuffle-r1: error: blank.jsonl holds no trajectories; check that the right file was named"),
    Case(
      "a missing file in a run", "shuffle-r1 run p.json -o out --set source.rollouts=none.jsonl",
      """
      shuffle-r1: error: cannot open none.jsonl, which 'source.rollouts' of p.json names; a path is relative to the \
      spec's folder, one of --set to the working folder
      """),
    Case(
      "a folder in a run", "shuffle-r1 run p.json -o out --set source.rollouts=folder",
      "shuffle-r1: error: folder, which 'source.rollouts' of p.json names, is a directory; name the files in it"),
    Case(
      "a binary file in a run", "shuffle-r1 run p.json -o out --set source.rollouts=noise.jsonl",
      leaves: ["out", "out/.lock", "out/resolved.json"],
      """
      shuffle-r1: error: noise.jsonl is not a text file; what can be read is JSONL in UTF-8, plain, .gz or .zst
      """),
    Case(
      "parquet", "SHUFFLE_R1_PYTHON=nowhere shuffle-r1 inspect x.parquet",
      """
      shuffle-r1: error: x.parquet is a file of columns (parquet or Arrow), which is read by pyarrow; install it once: \
      shuffle-r1 setup parquet, or name a Python that has it in SHUFFLE_R1_PYTHON
      """),
    Case(
      "no such file", "shuffle-r1 inspect none", "shuffle-r1: error: cannot open none: no such file; check the path"),
    Case(
      "a folder", "shuffle-r1 stage advantage < folder",
      "shuffle-r1: error: cannot read standard input: it is a directory; name a file"),
    Case(
      "gzip that is cut off", "shuffle-r1 stage advantage < cut.gz",
      "shuffle-r1: error: standard input is cut off in the middle of compressed data; get the whole file"),
    Case(
      "Zstandard that is cut off", "shuffle-r1 convert cut.zst out.jsonl",
      "shuffle-r1: error: cut.zst is cut off in the middle of compressed data; get the whole file"),
    Case(
      "gzip that is damaged", "shuffle-r1 convert torn.gz out.jsonl",
      "shuffle-r1: error: torn.gz holds damaged gzip data; get the file again"),
    Case(
      "not one line that can be used", "shuffle-r1 stage advantage -q < text.jsonl",
      """
      shuffle-r1: error: standard input:1:1: no line of standard input can be used (1 bad); the first: not JSON: a \
      record must be a JSON object
      """),
    Case(
      "lines that another stage should have seen first", "shuffle-r1 stage shuffle -q < scored.jsonl",
      """
      shuffle-r1: error: standard input:1:1: no line of standard input can be used (24 bad); the first: stage \
      'shuffle' reads 'advantage', but this record has no such key
      """),
    Case(
      "too many bad records in a stage", "shuffle-r1 stage advantage --max-bad-records 3 < bad.jsonl",
      """
      warning: standard input:1:1: not JSON: a record must be a JSON object; the record is left out
      warning: standard input:2:1: not JSON: a record must be a JSON object; the record is left out
      warning: standard input:3:1: not JSON: a record must be a JSON object; the record is left out
      warning: further bad records are only counted
      shuffle-r1: error: standard input:1:1: not JSON: a record must be a JSON object (the first of 4 bad records); \
      correct the file, or allow more with --max-bad-records (now 3)
      """),
    Case(
      "too many bad records in a run",
      "shuffle-r1 run p.json -q -o out --set source.rollouts=bad.jsonl --set source.max_bad_records=0",
      leaves: ["out", "out/.lock", "out/resolved.json"],
      """
      shuffle-r1: error: bad.jsonl:1:1: not JSON: a record must be a JSON object; correct the file, or allow more with \
      max_bad_records (now 0)
      """),
    Case(
      "too many bad records in a conversion", "shuffle-r1 convert -q --max-bad-records 1 bad.jsonl out.jsonl",
      """
      shuffle-r1: error: bad.jsonl:1:1: not JSON: a record must be a JSON object (the first of 2 bad records); correct the file, or allow more with --max-bad-records (now 1)
      """),
    Case(
      "groups split over batches", "shuffle-r1 stage advantage -q --batch-groups 1 < split.jsonl", prints: true,
      """
      shuffle-r1: error: standard input:3:1: group 'g' appears again after its batch ended; put its rollouts next to \
      each other, raise the number of groups, or use one batch
      """),
    Case(
      "batches by what is not in order", "shuffle-r1 stage advantage -q --batch-by group < split.jsonl", prints: true,
      """
      shuffle-r1: error: standard input:3:1: 'group' g appears again after its batch ended; sort the file by 'group', \
      or use one batch
      """),
    Case(
      "batches by what is not there", "shuffle-r1 stage advantage -q --batch-by stp < split.jsonl",
      "shuffle-r1: error: standard input:1:1: trajectory 'a' has no 'stp', by which batches are cut"),
    Case(
      "groups of one alone", "shuffle-r1 stage advantage -q < one.jsonl | shuffle-r1 stage pairwise-sample -q",
      """
      shuffle-r1: error: stage 'pairwise-sample', step 0: keep = 0.5 keeps no pair of any group (2 of size 1); raise \
      keep, or sample more rollouts for each query
      """),
    Case(
      "a stage's options", "shuffle-r1 stage pairwise-sample --with '{\"keep\": 2, \"kepe\": 1}' < scored.jsonl",
      status: 2,
      """
      shuffle-r1: error: --with:1:2: 'keep' is 2.0, it must lie above 0 and up to 1
      shuffle-r1: error: --with:1:13: unknown option 'kepe'; did you mean 'keep'?
      """),
    Case(
      "a tap that would lie elsewhere", "shuffle-r1 stage tap --with '{\"name\": \"../x\"}' < scored.jsonl", status: 2,
      """
      shuffle-r1: error: --with:1:2: 'name' is '../x', it may hold letters, digits, '-', '_' and '.', and not start \
      with '.'
      """),
  ]

  @Test("what cannot be used is refused with a remedy, and leaves nothing half-written", arguments: refused)
  func refuses(_ refused: Case) throws { try refused.check(in: sandbox) }

  @Test("a file that may not be read says so")
  func unreadable() throws {
    try sandbox.run("chmod 000 scored.jsonl")
    // Root may read everything.
    if geteuid() == 0 { return }
    #expect(
      try sandbox.run("shuffle-r1 inspect scored.jsonl").errors
        == "shuffle-r1: error: cannot open scored.jsonl: permission denied; check who may read and write it\n")
  }

  /// Data with which work goes on, what it says and what is left.
  struct Odd: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let command: String
    let errors: String
    let ids: String
    init(_ description: String, _ command: String, ids: String, _ errors: String) {
      (testDescription, self.command, self.ids, self.errors) = (description, command, ids, errors)
    }
  }

  static let odd: [Odd] = [
    Odd(
      "no input", "shuffle-r1 stage advantage < empty.jsonl", ids: "",
      "advantage: 0 trajectories in 0 batches, 0 kept"),
    Odd(
      "a line that is cut off", "shuffle-r1 stage advantage < cut.jsonl", ids: "a",
      """
      warning: standard input:2:23: not JSON: string without a closing quote; the record is left out
      advantage: 1 trajectory in 1 batch, 1 kept; bad records: 1
      """),
    Odd(
      "a reward that is a string", "shuffle-r1 stage advantage < string.jsonl", ids: "b c",
      """
      warning: standard input:1:60: 'reward' must be a number or null, found a string; the record is left out
      advantage: 2 trajectories in 1 batch, 2 kept; bad records: 1
      """),
    Odd(
      "a reward that is null", "shuffle-r1 stage advantage < null.jsonl", ids: "b c",
      "advantage: 3 trajectories in 1 batch, 2 kept; dropped: no-reward 1"),
    Odd(
      "rewards that are no numbers", "shuffle-r1 stage advantage --allow-empty < nan.jsonl", ids: "",
      """
      warning: step 0, advantage: 1 trajectory leaves since it is the only one of its group with a reward; 'grpo' \
      compares rollouts with one another
      advantage: 3 trajectories in 1 batch, 0 kept; dropped: no-reward 2, too-few-scored 1; records with NaN or \
      Infinity, taken for null: 2
      """),
    Odd(
      "an odd group",
      "shuffle-r1 stage advantage -q < odd.jsonl | shuffle-r1 stage pairwise-sample --with '{\"keep\":1}'",
      ids: "0 1 3 4", "pairwise-sample: 5 trajectories in 1 batch, 4 kept; dropped: unpaired-median 1"),
    Odd(
      "groups of one", "shuffle-r1 stage advantage < one.jsonl", ids: "a b",
      "advantage: 2 trajectories in 1 batch, 2 kept"),
    Odd(
      "groups of one beside others",
      """
      cat one.jsonl odd.jsonl | shuffle-r1 stage advantage -q | shuffle-r1 stage pairwise-sample
      """, ids: "0 4",
      """
      warning: step 0, pairwise-sample: 1 of 2 groups leave since keep = 0.5 keeps no pair of them (1 of size 1)
      pairwise-sample: 7 trajectories in 1 batch, 2 kept; dropped: group-too-small 1, inner-pair 4
      """),
    Odd(
      "all advantages zero",
      "shuffle-r1 stage advantage -q < equal.jsonl | shuffle-r1 stage pairwise-sample -q | shuffle-r1 stage shuffle",
      ids: "0 3 4 7",
      """
      warning: step 0, shuffle: all 2 weights are zero; the batch passes through unshuffled
      shuffle: 4 trajectories in 1 batch, 4 kept
      """),
    Odd(
      "more draws than weighted pairs",
      """
      sed 's/"g"/"h"/' one.jsonl | cat equal.jsonl - | shuffle-r1 stage advantage -q \
      | shuffle-r1 stage pairwise-sample -q --with '{"keep": 1}' | shuffle-r1 stage shuffle --with '{"rounds": 1}'
      """, ids: "0 1 2 3 4 5 6 7 a b", "shuffle: 10 trajectories in 1 batch, 10 kept"),
    Odd(
      "an id twice", "shuffle-r1 stage advantage < twice.jsonl", ids: "a b",
      """
      warning: standard input:3:1: the id 'a' is already in line 1 of the same batch; the record is left out
      advantage: 2 trajectories in 1 batch, 2 kept; bad records: 1
      """),
    Odd(
      "ids that differ only in how an accent is written", "shuffle-r1 stage advantage < forms.jsonl",
      ids: "caf\u{E9} cafe\u{301} x y", "advantage: 4 trajectories in 1 batch, 4 kept"),
    Odd(
      "a group that comes back in one batch", "shuffle-r1 stage advantage < split.jsonl", ids: "a b c",
      "advantage: 3 trajectories in 1 batch, 3 kept"),
  ]

  @Test("what can be used goes on, and what was left out is counted", arguments: odd)
  func goesOn(_ odd: Odd) throws {
    let outcome = try sandbox.run("set -o pipefail; " + odd.command)
    #expect(outcome.status == 0)
    #expect(outcome.errors == (odd.errors.isEmpty ? "" : odd.errors + "\n"))
    let ids = outcome.output.split(separator: "\n").map { line in
      line.split(separator: "\"", maxSplits: 4, omittingEmptySubsequences: false)[3]
    }
    // Compared scalar by scalar: to Swift, one é is as good as the other.
    #expect(Array(ids.joined(separator: " ").unicodeScalars) == Array(odd.ids.unicodeScalars))
  }

  @Test("--bad-records keeps what could not be used, with its place and reason")
  func badRecords() throws {
    try sandbox.output("shuffle-r1 stage advantage -q --bad-records left.jsonl < cut.jsonl")
    #expect(
      sandbox.text("left.jsonl")
        == #"{"file":"standard input","line":2,"column":23,"reason":"not JSON: string without a closing quote","#
        + #""text":"{\"id\":\"b\",\"group\":\"g\",\"rew"}"# + "\n")
  }
}

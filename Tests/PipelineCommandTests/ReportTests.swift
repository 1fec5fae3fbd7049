// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("describe, inspect, compare and why", .timeLimit(.minutes(15)), .ownThreads)
struct ReportTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("p.json", Samples.spec)
    try sandbox.write("grpo.json", Samples.spec.replacing(#", "pairwise-sample", "shuffle""#, with: ""))
    try sandbox.output("shuffle-r1 run p.json -q -o done")
  }

  /// What a command prints with --json.
  private func json(_ command: String) throws -> JSONValue {
    try JSONValue(parsing: try sandbox.output(command + " --json"))
  }

  static let commands = [
    "describe", "describe shuffle", "inspect scored.jsonl", "compare p.json grpo.json", "why done g0/1",
    "run p.json -o new", "check p.json", "convert scored.jsonl -", "stage advantage < scored.jsonl",
  ]

  @Test("where no terminal is, there are no colours, no cursor and no progress", arguments: commands)
  func plain(_ command: String) throws {
    let outcome = try sandbox.run("TERM=xterm-256color shuffle-r1 \(command)")
    #expect(outcome.status == 0)
    for text in [outcome.output, outcome.errors] {
      #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\r" || $0 == "\u{8}" })
      for line in text.split(separator: "\n") { #expect(line.last != " ", "trailing space: \(line)") }
    }
  }

  @Test("--color always colours, NO_COLOR and never do not")
  func colors() throws {
    #expect(try sandbox.output("shuffle-r1 inspect scored.jsonl --color always").contains("\u{1B}["))
    #expect(try !sandbox.output("shuffle-r1 inspect scored.jsonl --color never").contains("\u{1B}["))
    #expect(
      try sandbox.output("shuffle-r1 inspect scored.jsonl --json --color always")
        == sandbox.output("shuffle-r1 inspect scored.jsonl --json"))
  }

  static let silent = [
    "run p.json -o new --quiet", "stage pairwise-sample --quiet < adv.jsonl > out", "check p.json --quiet",
    "convert --quiet scored.jsonl new.jsonl", "import-config config.yaml -o new.json --quiet",
  ]

  @Test("--quiet says nothing where all is well", arguments: silent)
  func quiet(_ command: String) throws {
    try sandbox.write("config.yaml", "algorithm: {adv_estimator: grpo, kl_coef: 1}\n")
    try sandbox.output("echo nonsense | cat - scored.jsonl | shuffle-r1 stage advantage -q > adv.jsonl")
    let outcome = try sandbox.run("shuffle-r1 \(command)")
    #expect(outcome.status == 0)
    #expect(outcome.errors == "")
    #expect(outcome.output == "")
  }

  @Test("a run reports what each stage kept")
  func runReport() throws {
    let report = try sandbox.output("shuffle-r1 run p.json -o 'new run'").replacing(#/[0-9.]+ ms/#, with: "T ms")
    #expect(
      report.replacing(#/ +T ms/#, with: " T ms") == """
        24 trajectories, 3 steps, T ms

          advantage        24 → 24 T ms
          pairwise-sample  24 → 12 T ms  dropped: 12 inner-pair
          shuffle          12 →  6 T ms  dropped: 6 not-drawn

        trajectories  new run/selected.jsonl
        metrics       new run/metrics.jsonl
        lineage       new run/lineage.jsonl — ask it: shuffle-r1 why 'new run' ID

        """)
  }

  @Test("describe lists every component, and --json tells the same")
  func describe() throws {
    let text = try sandbox.output("shuffle-r1 describe")
    let all = try #require(try json("shuffle-r1 describe").arrayValue)
    let names = all.compactMap { $0["name"]?.stringValue }
    #expect(names.count == all.count)
    #expect(Set(names).isSuperset(of: ["advantage", "filter", "pairwise-sample", "reward", "shuffle", "tap", "grpo"]))
    for component in all {
      let (name, summary) = (component["name"]?.stringValue ?? "?", component["summary"]?.stringValue ?? "?")
      #expect(text.split(separator: "\n").contains { $0.hasPrefix("  \(name) ") && $0.hasSuffix(" " + summary) })
      #expect(try sandbox.output("shuffle-r1 describe \(name)").contains(summary))
    }
    let keep = try json("shuffle-r1 describe pairwise-sample")["options"]?.arrayValue?.first
    #expect(keep?["name"] == "keep")
    #expect(keep?["default"] == 0.5)
    #expect(
      try sandbox.output("shuffle-r1 describe tap") == """
        tap (stage): Writes the batch as it is at this place to the run's taps
          options
            name  text, default ""
                  the name of the tap; empty for the stage's own name

        """)
  }

  @Test("inspect counts what is there")
  func inspect() throws {
    let value = try json("shuffle-r1 inspect scored.jsonl")
    #expect(value["records"] == 24)
    #expect(value["groups"]?["count"] == 6)
    let text = try sandbox.output("shuffle-r1 inspect - < scored.jsonl")
    // Each run begins at step 0.
    let two = try json("shuffle-r1 inspect done/selected.jsonl done/selected.jsonl")
    #expect(two["records"]?.intValue == 2 * sandbox.text("done/selected.jsonl").count { $0 == "\n" })
    #expect(text.contains("24 records in 6 groups"))
    #expect(text.contains("every group has 4 rollouts"))
    #expect(text.contains("✗ pairwise-sample  lacks advantage"))
    let bad = try sandbox.run("head -3 scored.jsonl | shuffle-r1 inspect - --format verl")
    #expect(bad.status == 0)
    #expect(bad.output.contains("        3  'input' is missing, every line of verl has it (first: line 1)\n"))
  }

  @Test("compare's text and JSON give the same figures")
  func compare() throws {
    let text = try sandbox.output("shuffle-r1 compare p.json grpo.json")
    let value = try json("shuffle-r1 compare p.json grpo.json")
    let chains = try #require(value["chains"]?.arrayValue)
    #expect(chains.map { $0["label"]?.stringValue } == ["p", "grpo"])
    let rows = [
      "trajectories, with repeats": "trained_on", "distinct trajectories": "distinct",
      "characters (no tokens)": "characters",
    ]
    for (label, key) in rows {
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("  \(label) ") })
      let cells = line.dropFirst(label.count + 2).split(separator: " ").map(String.init)
      #expect(cells == chains.map { $0[key]?.intValue.map(String.init) ?? "?" })
    }
    let overlap = try #require(value["overlap"]?.arrayValue?.first)
    let shared = try #require(overlap["shared_trajectories"]?.intValue)
    #expect(overlap["trajectories"] == 0.25)
    #expect(text.contains("  p                                                ·              25 %\n"))
    #expect(shared == chains[0]["distinct"]?.intValue)
    #expect(text.contains("6 groups, 3 batches, seed 1"))
    // What a chain would train on is what a run of it does train on.
    #expect(sandbox.text("done/selected.jsonl").split(separator: "\n").count == shared)
  }

  @Test("compare finds equal selections, and takes the same rollouts from elsewhere")
  func compareEqual() throws {
    try sandbox.output("cp p.json same.json; shuffle-r1 convert -q scored.jsonl scored.jsonl.gz")
    let value = try json("shuffle-r1 compare p.json same.json --rollouts scored.jsonl.gz --seed 3")
    #expect(value["identical"]?.json == #"[["p","same"]]"#)
    #expect(value["seed"] == 3)
    #expect(
      try sandbox.run("shuffle-r1 compare p.json none.json bad").errors == """
        shuffle-r1: error: no such file: none.json; give the path of a spec (.json or .yaml)
        shuffle-r1: error: no such file: bad; give the path of a spec (.json or .yaml)

        """)
  }

  @Test("why tells of one trajectory what lineage holds")
  func why() throws {
    #expect(
      try sandbox.output("shuffle-r1 why done g0/1") == """
        g0/1 in step 0: not trained on, dropped by pairwise-sample
          reward           0
          group            g0: 4 rollouts, rewards 0.375 ± 0.4787 (1×1, 1×0.5, 2×0);
                           this is the worst, level with 1 other
          advantage        -0.7833 by grpo: (reward - mean) / std of its group
          pairwise-sample  dropped by the rule 'inner-pair': only the outermost pairs of
                           a group are kept, best with worst, and it lies nearer the
                           middle; a kept rollout has the same advantage, and among
                           equals the order of the input decides

        """)
    let value = try json("shuffle-r1 why done g0/1")
    #expect(value["trained_on"] == 0)
    #expect(value["steps"]?.arrayValue?.first?["dropped"]?["rule"] == "inner-pair")
    for line in sandbox.text("done/selected.jsonl").split(separator: "\n") {
      let record = try JSONValue(parsing: String(line))
      let id = try #require(record["id"]?.stringValue)
      #expect(try json("shuffle-r1 why done \(id)")["trained_on"]?.intValue == record["draws"]?.arrayValue?.count)
    }
  }

  static let unknown: [Case] = [
    Case(
      "no such id", "shuffle-r1 why done g0/9",
      "shuffle-r1: error: no trajectory 'g0/9' in done; its group 'g0' has 'g0/0', 'g0/1', 'g0/2', 'g0/3'"),
    Case(
      "no such step", "shuffle-r1 why done g0/1 --step 2",
      "shuffle-r1: error: trajectory 'g0/1' was not in step 2; it was in step 0"),
    Case(
      "a step below zero", "shuffle-r1 why done g0/1 --step -1",
      "shuffle-r1: error: trajectory 'g0/1' was not in step -1; it was in step 0"),
    Case(
      "no such run", "shuffle-r1 why none g0/1",
      "shuffle-r1: error: there is no run at none; name the directory that `run --output` made"),
    Case(
      "no run", "shuffle-r1 why . g0/1",
      "shuffle-r1: error: . holds no run (no resolved.json); name the directory that `run --output` made"),
    Case(
      "a file", "shuffle-r1 why p.json g0/1",
      "shuffle-r1: error: p.json is a file; name the directory that `run --output` made"),
  ]

  @Test("why says what there is instead", arguments: unknown)
  func whyNot(_ unknown: Case) throws { try unknown.check(in: sandbox) }

  @Test("text in data cannot move the cursor")
  func hostileText() throws {
    try sandbox.write(
      "evil.jsonl",
      ##"{"id":"\u001b[31mred\u0007","group":"g\n\u202e","reward":1}"## + "\n"
        + ##"{"id":"\u001b[31mred\u0007","group":"g\n\u202e","reward":1}"## + "\n")
    for command in [
      "inspect evil.jsonl", "stage advantage --batch-by step < evil.jsonl", "stage advantage < evil.jsonl",
    ] {
      let outcome = try sandbox.run("shuffle-r1 \(command)")
      let text = outcome.errors + (command.hasPrefix("inspect") ? outcome.output : "")
      #expect(!text.unicodeScalars.contains { "\u{1B}\u{7}\u{202E}\r".unicodeScalars.contains($0) }, "\(text)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("check", .timeLimit(.minutes(15)), .ownThreads)
struct CheckTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("p.json", Samples.spec)
  }

  /// A spec around one part of it.
  private static func spec(
    source: String = #"{"rollouts": "scored.jsonl", "provides": ["reward"]}"#, stages: String = #"["advantage"]"#,
    more: String = ""
  ) -> String { #"{"source": \#(source), "stages": \#(stages)\#(more)}"# }

  @Test("a spec that is right says its stages, needs no data, and says nothing with --quiet")
  func right() throws {
    #expect(
      try sandbox.output("shuffle-r1 check p.json") == "p.json: fine: advantage → pairwise-sample → shuffle\n")
    #expect(try sandbox.output("shuffle-r1 check p.json --quiet") == "")
  }

  @Test("everything that is wrong is said at once, with its place and what was meant")
  func everything() throws {
    try sandbox.write(
      "bad.json",
      """
      {"seed": "x", "sorce": {},
       "source": {"rollouts": "r.jsonl", "format": "verll", "batch": {"group": 2}, "max_bad_records": -1},
       "stages": [
         "advantge",
         {"use": "pairwise-sample", "with": {"keep": 1.5, "kep": 2}},
         {"use": "shuffle", "name": "a/b"},
         {"use": "tap", "with": {"name": "../x"}}],
       "output": {"rollouts": "../x.jsonl"}}
      """)
    try Case(
      "all of it", "shuffle-r1 check bad.json", status: 2,
      """
      shuffle-r1: error: bad.json:1:2: 'seed' must be a whole number, found the string "x"
      shuffle-r1: error: bad.json:1:15: unknown option 'sorce'; did you mean 'source'?
      shuffle-r1: error: bad.json:2:36: 'source.format': unknown format 'verll'; did you mean 'verl'?
      shuffle-r1: error: bad.json:2:55: 'source.batch' must be 'auto', 'all', {"groups": 64} or {"by": "step"}, found \
      a table
      shuffle-r1: error: bad.json:2:78: 'source.max_bad_records' is -1, it must be at least 0
      shuffle-r1: error: bad.json:4:4: unknown stage 'advantge'; did you mean 'advantage'? Known stages: advantage, \
      contrast, entropies, filter, kl-penalty, pairwise-sample, process, replay, reward, rollout, shuffle, subset, tap, update
      shuffle-r1: error: bad.json:5:40: 'keep' is 1.5, it must lie above 0 and up to 1
      shuffle-r1: error: bad.json:5:53: unknown option 'kep'; did you mean 'keep'?
      shuffle-r1: error: bad.json:6:23: 'stages.2.name' is "a/b", it must be a word of letters, digits, '-' and '_', \
      not a number
      shuffle-r1: error: bad.json:7:28: 'name' is '../x', it may hold letters, digits, '-', '_' and '.', and not \
      start with '.'
      shuffle-r1: error: bad.json:8:13: 'output.rollouts' is '../x.jsonl', it must be a file name within the run \
      directory; `run --output` says where that is
      """
    ).check(in: sandbox)
    let check = try sandbox.run("shuffle-r1 check bad.json").errors
    let run = try sandbox.run("shuffle-r1 run bad.json --output runs/x")
    #expect(run.status == 2)
    #expect(run.errors == check)
    #expect(!sandbox.has("runs"))
  }

  static let wrong: [Case] = [
    Case(
      "no such file", "shuffle-r1 check q.json",
      "shuffle-r1: error: no such file: q.json; give the path of a spec (.json or .yaml)"),
    Case(
      "a folder", "shuffle-r1 check .",
      "shuffle-r1: error: . is a folder; give the path of a spec (.json or .yaml) in it"),
    Case(
      "nothing in it", "shuffle-r1 check /dev/null", status: 2,
      "shuffle-r1: error: /dev/null:1:1: the file is empty; a spec has at least 'source' and 'stages'"),
    Case(
      "no text", "shuffle-r1 check x.bin", status: 2,
      "shuffle-r1: error: x.bin:1:2: not UTF-8; save the file with that encoding"),
    Case(
      "cut off", "shuffle-r1 check cut.json", status: 2,
      "shuffle-r1: error: cut.json:1:27: not JSON: expected a value"),
    Case(
      "a list", "shuffle-r1 check list.yaml", status: 2,
      "shuffle-r1: error: list.yaml:1:1: a spec must be a table with 'source' and 'stages', found a list"),
    Case(
      "an order that cannot work", "shuffle-r1 check order.json", status: 2,
      """
      shuffle-r1: error: order.json:1:77: stage 'pairwise-sample' reads 'advantage', which nothing before it writes; \
      put stage 'advantage', which writes it, before this one, or say "provides": ["reward", "advantage"] in the source
      """),
    Case(
      "a field that nobody writes", "shuffle-r1 check reads.json", status: 2,
      """
      shuffle-r1: error: reads.json:1:53: stage 'advantage' reads 'reward', which nothing before it writes; put a \
      stage before it that does (kl-penalty, reward), or say "provides": ["reward"] in the source
      """),
    Case(
      "one name twice", "shuffle-r1 check twice.json", status: 2,
      """
      shuffle-r1: error: twice.json:1:84: an earlier stage is named 'tap' too; give one of them a "name" of its own
      """),
    Case(
      "--set without a value", "shuffle-r1 check p.json --set seed", status: 2,
      "shuffle-r1: error: --set:1:1: 'seed' says no value; write PATH=VALUE, as in seed=2"),
    Case(
      "--set of what is not there", "shuffle-r1 check p.json --set sed=1 --set stages.pairwise-sampl.keep=1", status: 2,
      """
      shuffle-r1: error: --set:1:1: unknown option 'sed'; did you mean 'seed'?
      shuffle-r1: error: --set:1:8: unknown stage 'pairwise-sampl'; did you mean 'pairwise-sample'?
      """),
  ]

  @Test("what is wrong has a place and a remedy", arguments: wrong)
  func refuses(_ wrong: Case) throws {
    try sandbox.write("x.bin", Data([0x7B, 0xFF, 0xFE]))
    try sandbox.write("cut.json", #"{"source": {}, "stages": ["#)
    try sandbox.write("list.yaml", "- advantage\n")
    try sandbox.write("order.json", Self.spec(stages: #"["pairwise-sample", "advantage"]"#))
    try sandbox.write("reads.json", Self.spec(source: #"{"rollouts": "scored.jsonl"}"#))
    try sandbox.write("twice.json", Self.spec(stages: #"["tap", "tap"]"#))
    try wrong.check(in: sandbox)
  }

  static let escapes: [(String, String)] = [
    ("../x.jsonl", "must be a file name within the run directory; `run --output` says where that is"),
    ("/tmp/x.jsonl", "must be a file name within the run directory; `run --output` says where that is"),
    ("a/../../x", "must be a file name within the run directory; `run --output` says where that is"),
    ("-", "must be a file name within the run directory; `run --output` says where that is"),
    (".lock", "must be a file name within the run directory; `run --output` says where that is"),
    ("a//b", "must be a file name within the run directory; `run --output` says where that is"),
    ("state.json", "which the run itself writes; choose another name"),
    ("taps/x.jsonl", "which the run itself writes; choose another name"),
    ("tensorboard/x.jsonl", "which the run itself writes; choose another name"),
    ("x.jsonl.gz", "but a run grows its files step by step, plain; compress it afterwards"),
  ]

  @Test("output.rollouts stays in the run's directory and off its own files", arguments: escapes)
  func outputStaysInside(_ path: String, _ reason: String) throws {
    let outcome = try sandbox.run("shuffle-r1 check p.json --set output.rollouts=\(path)")
    #expect(outcome.status == 2)
    let it = reason.hasPrefix("must") ? "it \(reason)" : reason
    #expect(outcome.errors == "shuffle-r1: error: --set:1:8: 'output.rollouts' is '\(path)', \(it)\n")
  }

  @Test("--resolved prints a spec that is fine again, and is its own resolved spec")
  func resolved() throws {
    for (file, text) in [("w.json", Samples.wholeSpec), ("w.yaml", Samples.wholeSpecYAML)] {
      try sandbox.write(file, text)
      let resolved = try sandbox.output("shuffle-r1 check \(file) --resolved")
      try sandbox.write("again.json", resolved)
      #expect(try sandbox.output("shuffle-r1 check again.json --resolved") == resolved)
    }
    #expect(
      try sandbox.output("shuffle-r1 check w.json --resolved") == sandbox.output("shuffle-r1 check w.yaml --resolved"))
  }

  // MARK: What a run would refuse.

  private static func training(_ stages: String, evaluation: String = "") -> String {
    """
    {"policy": {"use": "bundled", "with": {"model": "model"}},
     "source": {"prompts": "prompts.jsonl", "provides": ["answer"]},
     "stages": [{"use": "rollout", "with": {"n": 2}}, \(stages)],
     "training": {"steps": 1\(evaluation)}}
    """
  }

  private static let evaluation = #", "evaluation": {"prompts": "held-out.jsonl"}"#

  static let refusedByRuns: [(String, String)] = [
    (
      training(#"{"use": "rollout", "name": "again"}, "reward", "advantage", "update""#),
      "stage 'again' makes rollouts of prompts, but 'rollout' before it has made rollouts of them already; leave one of the two out"
    ),
    (
      training(
        #"{"use": "process", "with": {"command": ["true"], "writes": ["advantage"]}}, "update""#, evaluation: evaluation
      ),
      "'training.evaluation' has nothing to score responses with; add a stage that writes 'reward' and needs no policy, such as "
        + "reward"
    ),
    (
      training(
        #""reward", {"use": "filter", "with": {"score": "accuracy"}}, "advantage", "update""#),
      "stage 'filter': no stage before it writes the score 'accuracy'. Scores: boxed-answer, reward"
    ),
    (
      training(
        #""reward", {"use": "filter", "with": {"score": "boxed-anwser"}}, "advantage", "update""#),
      "stage 'filter': no stage before it writes the score 'boxed-anwser'; did you mean 'boxed-answer'? Scores: boxed-answer, reward"
    ),
    (
      training(
        #""reward", "advantage", "update""#,
        evaluation: #", "evaluation": {"prompts": "held-out.jsonl", "score": "format"}"#),
      "'training.evaluation.score': no stage before it writes the score 'format'. Scores: boxed-answer, reward"
    ),
    (
      training(#""reward", "advantage", "update""#).replacing(
        #""n": 2"#, with: #""n": 2, "sampling": {"max_tokens": 256}"#),
      "responses of 256 tokens leave no room for a prompt in the model's context of 256; lower stages.rollout.sampling.max_tokens"
    ),
    (
      training(#""reward", "advantage", "update""#, evaluation: #", "evaluation": {"prompts": "held-out.jsonl"}"#),
      "leave no room for a prompt in the model's context of 256; lower training.evaluation.sampling.max_tokens"
    ),
  ]

  @Test("what a run would refuse later is refused here", arguments: refusedByRuns.indices)
  func refused(index: Int) throws {
    let sandbox = try Sandbox.withTraining()
    let (spec, message) = Self.refusedByRuns[index]
    try sandbox.write("p.json", spec)
    let outcome = try sandbox.run("shuffle-r1 check p.json")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test("scores that a stage may write, or that records bring, are not refused")
  func scores() throws {
    let sandbox = try Sandbox.withTraining()
    for stages in [
      #"{"use": "reward", "with": {"functions": [{"use": "exact", "name": "accuracy"}]}}, {"use": "filter", "with": {"score": "accuracy"}}"#,
      #"{"use": "reward", "with": {"functions": [{"use": "exact", "name": "accuracy"}]}}, {"use": "filter", "with": {"score": "accuracy/part"}}"#,
      #"{"use": "process", "with": {"command": ["true"], "writes": ["reward", "rewards"]}}, {"use": "filter", "with": {"score": "any"}}"#,
    ] {
      let short = Self.training(stages + #", "advantage", "update""#)
        .replacing(#""n": 2"#, with: #""n": 2, "sampling": {"max_tokens": 3}"#)
      try sandbox.write("p.json", short)
      #expect(try sandbox.run("shuffle-r1 check p.json").status == 0, "\(stages)")
    }
    try sandbox.write(
      "p.json",
      #"{"source": {"rollouts": "r.jsonl", "provides": ["rewards"]}, "stages": [{"use": "filter", "with": {"score": "any"}}]}"#
    )
    try sandbox.output("shuffle-r1 check p.json")
  }
}

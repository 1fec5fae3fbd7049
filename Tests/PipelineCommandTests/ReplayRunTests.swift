// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// Runs that bring stored trajectories into their batches.
@Suite("Replay in a run", .timeLimit(.minutes(15)), .ownThreads)
struct ReplayRunTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox.withTraining()
    // Few prompts, so that each comes again soon.
    try sandbox.write(
      "pool.jsonl", sandbox.text("prompts.jsonl").split(separator: "\n").prefix(4).joined(separator: "\n") + "\n")
    try sandbox.write("after.json", Self.spec(#""advantage", {"use": "replay", "with": {"store": "ssr"}}"#))
    try sandbox.write(
      "before.json", Self.spec(#"{"use": "replay", "with": {"store": "repo"}}, {"use": "advantage"}"#))
  }

  private static func spec(_ stages: String) -> String {
    """
    {
      "policy": {"use": "bundled", "with": {"model": "model"}},
      "source": {"prompts": "pool.jsonl", "provides": ["answer"], "batch": {"groups": 2}},
      "stages": [
        {"use": "rollout", "with": {"n": 8, "sampling": {"top_k": 2, "max_tokens": 3}}},
        {"use": "reward", "with": {"functions": ["exact"]}},
        \(stages),
        {"use": "update", "with": {"learning_rate": {"rate": 1e-3}}}
      ],
      "training": {"steps": 9, "checkpoints": {"every": 2}},
      "output": {"rollouts": "selected.jsonl"}
    }
    """
  }

  /// The spec and the store's options of each method, and what else a paper's spec sets.
  static let stores = [
    ("after", "--set stages.replay.store=ssr"),
    (
      "after",
      #"--set 'stages.replay.store={"use": "ssr", "with": {"capacity": 20, "exponent": 0.5}}' --set stages.replay.max_age=2"#
    ),
    // What the model of the tests does is rarely right: all groups fail, some rollouts are stored.
    (
      "before",
      #"--set 'stages.replay.store={"use": "arpo", "with": {"mean_below": 0.3, "success_above": 0.3, "deviation_below": 0.5}}'"#
    ),
    (
      "before",
      #"--set 'stages.replay.store={"use": "repo", "with": {"least": 8, "size": 4}}' --set stages.advantage.replayed=split "#
        + #"--set 'stages.update.replayed={"old_log_probs": "stored", "importance": {"level": "none"}, "denominator": "own"}'"#
    ),
    (
      "before",
      #"--set 'stages.replay.store={"use": "repo", "with": {"least": 8, "strategy": "random"}}' --set stages.replay.weight=0.5"#
    ),
  ]

  private func check(_ spec: String, _ settings: String, _ name: String) throws {
    try sandbox.checkSameTraining("shuffle-r1 run \(spec).json -q \(settings)", in: name)
    let files = sandbox.training(in: name).keys
    #expect(files.contains { $0.hasPrefix("replay/") }, "\(files.sorted())")
  }

  @Test(
    "compare carries what stages remember from batch to batch, and trains on what a run over the same rollouts does")
  func comparison() throws {
    try sandbox.output("shuffle-r1 run after.json -q -o sampled")
    let stages = #""stages": [{"use": "reward", "with": {"functions": ["exact"]}}, "advantage""#
    try sandbox.write(
      "plain.json",
      "{\"source\": {\"rollouts\": \"sampled/rollouts.jsonl.zst\", \"provides\": [\"answer\"]}, \(stages)]}")
    try sandbox.write(
      "replay.json",
      "{\"source\": {\"rollouts\": \"sampled/rollouts.jsonl.zst\", \"provides\": [\"answer\"]}, \(stages), {\"use\": \"replay\", \"with\": {\"store\": \"ssr\"}}], \"output\": {\"rollouts\": \"kept.jsonl\"}}"
    )
    try sandbox.output("shuffle-r1 run replay.json -q -o replayed")
    let kept = try sandbox.records(in: "replayed/kept.jsonl")
    let draws = kept.map { $0["draws"]?.arrayValue?.count ?? 1 }
    let replayed = zip(kept, draws).filter { $0.0["origin"] != nil }
    try #require(!replayed.isEmpty)
    let report = try JSONValue(parsing: sandbox.output("shuffle-r1 compare plain.json replay.json --json"))
    let selections = try #require(report["chains"]?.arrayValue)
    #expect(selections[1]["distinct"]?.intValue == kept.count)
    #expect(selections[1]["trained_on"]?.intValue == draws.reduce(0, +))
    #expect(selections[1]["replayed_draws"]?.intValue == replayed.reduce(0) { $0 + $1.1 })
    #expect(selections[0]["replayed_draws"] == 0)
    #expect(try sandbox.output("shuffle-r1 compare plain.json replay.json").contains("replayed among them"))
  }

  @Test("with each store a run gives the same bytes on any threads, and after kills", arguments: stores.indices)
  func store(_ index: Int) throws {
    let (spec, settings) = Self.stores[index]
    try check(spec, settings, "run-\(index)")
    let lineage = try sandbox.records(in: "run-\(index)/lineage.jsonl")
    let replayed = lineage.filter { $0["origin"] != nil }
    #expect(!replayed.isEmpty)
    for entry in replayed { try checkLives(entry, lineage) }
    let metrics = try sandbox.records(in: "run-\(index)/metrics.jsonl")
    let shares = metrics.compactMap { $0["replay/share"]?.doubleValue }
    #expect(shares.count == 9 && shares.contains { $0 > 0 } && shares[0] == 0)
    #expect(metrics.contains { $0["replay/age_mean"] != nil && $0["replay/age_max"] != nil })
    if index != 3 { #expect(metrics.contains { $0["actor/replay_ess"]?.doubleValue ?? 0 > 0 }) }
    // A policy that sampled with what it was trained on before leaves the ratios near 1, but not at 1.
    let limited = metrics.compactMap { $0["actor/replay_limited"]?.doubleValue }
    #expect(limited.allSatisfy { (0...1).contains($0) })
  }

  /// A replayed trajectory names one of an earlier step, whose values it has.
  private func checkLives(_ entry: JSONValue, _ lineage: [JSONValue]) throws {
    let origin = try #require(entry["origin"])
    let step = try #require(origin["step"]?.intValue)
    #expect(step < entry["step"]?.intValue ?? 0)
    let first = try #require(lineage.first { $0["id"] == origin["id"] && $0["step"]?.intValue == step })
    #expect(first["reward"] == entry["reward"])
    #expect(first["origin"] == nil)
    #expect(entry["id"]?.stringValue == "\(origin["id"]?.stringValue ?? "")@r\(step)")
  }

  @Test("a program with a state of its own gives the same bytes on any threads, and after kills")
  func program() throws {
    try sandbox.write(
      "store.py",
      """
      import json, random, sys
      for line in sys.stdin:
          message = json.loads(line)
          state = message["state"] or {"calls": 0}
          state["calls"] += 1
          answer = {"id": message["id"], "state": state, "metrics": {"calls": state["calls"]}}
          draw = random.Random(message["seed"])
          if message["call"] == "draw":
              groups = {rollout["group"] for rollout in message["batch"]}
              mine = [entry for entry in message["stored"] if entry["group"] in groups]
              answer["replays"] = [
                  {"number": entry["number"], "because": {"calls": state["calls"]}}
                  for entry in draw.sample(mine, min(3, len(mine)))]
          else:
              answer["admit"] = [i for i in range(len(message["batch"])) if draw.random() < 0.5]
              answer["evict"] = [entry["number"] for entry in message["stored"] if entry["age"] > 2]
          print(json.dumps(answer), flush=True)
      """)
    let store = #"{"use": "process", "with": {"command": ["python3", "store.py"]}}"#
    try check("before", "--trust --set 'stages.replay.store=\(store)'", "program")
    #expect(sandbox.text("program/metrics.jsonl").contains(#""store/calls":18.0"#))
    let id = try #require(
      try sandbox.records(in: "program/lineage.jsonl").first { $0["origin"] != nil }?["id"]?.stringValue)
    #expect(try sandbox.output("shuffle-r1 why program \(id) --color never").contains("calls "))
    try sandbox.write(
      "wrong.py",
      """
      import json, sys
      for line in sys.stdin: print(json.dumps({"id": json.loads(line)["id"], "replays": [{"number": 4}]}), flush=True)
      """)
    #expect(
      try sandbox.run(
        "shuffle-r1 run before.json -q -o bad --trust --set 'stages.replay.store=\(store.replacing("store.py", with: "wrong.py"))'"
      ).errors.contains("stage 'replay', step 0: the store 'process' draws the entry 4, which is not stored"))
  }

  @Test("why tells where a trajectory comes from, and where it went")
  func why() throws {
    let (spec, settings) = Self.stores[3]
    try sandbox.output("shuffle-r1 run \(spec).json -q \(settings) -o out")
    let entry = try #require(try sandbox.records(in: "out/lineage.jsonl").first { $0["origin"] != nil })
    let (id, step) = (entry["id"]?.stringValue ?? "", entry["step"]?.intValue ?? 0)
    let (first, from) = (entry["origin"]?["id"]?.stringValue ?? "", entry["origin"]?["step"]?.intValue ?? 0)
    func why(_ id: String, _ step: Int) throws -> String {
      try sandbox.output("shuffle-r1 why out \(id) --step \(step) --color never")
        .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    let replayed = try why(id, step)
    #expect(replayed.contains("replay replayed from step \(from), where it was \(first), after "))
    #expect(replayed.contains("in the store; chosen by repo from "))
    #expect(replayed.contains("; among the replayed ones"))
    #expect(!replayed.contains("rollout kept"))
    #expect(try why(first, from).contains("later replayed in step \(step)"))
    let json = try JSONValue(parsing: sandbox.output("shuffle-r1 why out \(id) --step \(step) --json"))
    #expect(json["steps"]?.arrayValue?.first?["story"]?.json.contains(#""policy_version""#) == true)
    let selected = try sandbox.records(in: "out/selected.jsonl").first { $0["id"]?.stringValue == id }
    #expect(selected?["origin"]?["step"]?.intValue == from)
    #expect(selected?["step"]?.intValue == step)
    // Rollouts are kept once, in the step that they were sampled in.
    let all = try sandbox.records(sandbox.output("zstd -dcq out/rollouts.jsonl.zst"))
    #expect(!all.contains { $0["origin"] != nil })
    #expect(all.count == 9 * 16)
  }

  @Test("files in which nothing is left go, and no sooner than the state says so")
  func files() throws {
    try sandbox.write(
      "moody.py",
      """
      import json, sys
      for line in sys.stdin:
          message = json.loads(line)
          answer = {"id": message["id"], "replays": [{"number": entry["number"]} for entry in message["stored"][:2]]}
          # Every third step, all goes and nothing comes.
          clears = message["step"] % 3 == 2
          answer["admit"] = [] if clears else [0, 3]
          answer["evict"] = [entry["number"] for entry in message["stored"]] if clears else []
          print(json.dumps(answer), flush=True)
      """)
    let store = #"{"use": "process", "with": {"command": ["python3", "moody.py"]}}"#
    try check("before", "--trust --set 'stages.replay.store=\(store)' --set training.steps=8", "out")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(sandbox.path)/out/replay")
    #expect(names == ["replay.2.jsonl.zst"])
    let state = sandbox.text("out/state.json")
    #expect(state.contains("\"replay/replay.2.jsonl.zst\"") && !state.contains("\"replay/replay.1.jsonl.zst\""))
    let line = try sandbox.records(sandbox.output("zstd -dcq out/replay/replay.2.jsonl.zst"))[0]
    #expect(line["tokens"] != nil && line["logprobs"] != nil && line["draws"] == nil)
    // Another start leaves none of them.
    try sandbox.output("shuffle-r1 run before.json -q -o out --overwrite --set training.steps=1")
    #expect(sandbox.has("out/replay/replay.0.jsonl.zst"))
    // One that is changed is noticed.
    try sandbox.output(
      "shuffle-r1 run after.json -q -o changed --set training.steps=2 && printf x >> changed/replay/replay.0.jsonl.zst")
    try sandbox.output("shuffle-r1 run after.json -q -o changed --set training.steps=3 --resume --accept-changes")
    try sandbox.output("printf y | dd of=changed/replay/replay.0.jsonl.zst bs=1 seek=3 conv=notrunc 2>&1")
    #expect(
      try sandbox.run("shuffle-r1 run after.json -q -o changed --set training.steps=4 --resume --accept-changes").errors
        .contains("changed/replay/replay.0.jsonl.zst has changed since it was written"))
  }

  @Test("a state that tells of stored trajectories that cannot be is refused, whatever its numbers")
  func oddIndex() throws {
    try sandbox.output("shuffle-r1 run after.json -q -o out --set training.steps=2; cp -r out kept")
    let numbers = try #require(
      try sandbox.text("out/state.json").filter { !$0.isWhitespace }.firstMatch(of: /"blocks":\[\[([0-9,]+)/)
    ).1
    let values = numbers.split(separator: ",").map(String.init)
    #expect(values.count == 7)
    for (place, odd) in (0..<7).flatMap({ place in [Int.max, -1, 1 << 62].map { (place, $0) } }) + [
      (2, 1 << 40), (3, 1 << 40),
    ] {
      var changed = values
      changed[place] = String(odd)
      try sandbox.output("rm -r out; cp -r kept out")
      try sandbox.changeState(of: "out") {
        $0.replacing(#""blocks":[[\#(numbers)"#, with: #""blocks":[[\#(changed.joined(separator: ","))"#)
      }
      let outcome = try sandbox.run(
        "shuffle-r1 run after.json -q -o out --set training.steps=4 --resume --accept-changes")
      #expect(outcome.status == 1 && outcome.errors.contains("--overwrite"), "\(place) \(odd): \(outcome.errors)")
    }
  }

  @Test("two stages keep what they store apart, and the figures of their stores")
  func twoStages() throws {
    try sandbox.write(
      "two.json",
      Self.spec(
        #"""
        {"use": "replay", "with": {"store": {"use": "repo", "with": {"least": 8, "size": 2}}}},
        {"use": "replay", "name": "again", "with": {"store": {"use": "repo", "with": {"least": 16, "size": 4}}}},
        "advantage"
        """#))
    try sandbox.output("shuffle-r1 run two.json -q -o out")
    let metrics = try sandbox.records(in: "out/metrics.jsonl")
    #expect(metrics.allSatisfy { $0["store/replaying_groups"] != nil && $0["again/store/replaying_groups"] != nil })
    #expect(metrics.contains { $0["store/replaying_groups"] != $0["again/store/replaying_groups"] })
    #expect(sandbox.has("out/replay/replay.0.jsonl.zst") && sandbox.has("out/replay/again.0.jsonl.zst"))
  }

  @Test("rollouts of another run are stored first, with a policy and without one")
  func otherRuns() throws {
    let (_, settings) = Self.stores[3]
    try sandbox.output("shuffle-r1 run before.json -q \(settings) -o first --set training.steps=4")
    try sandbox.output(
      "shuffle-r1 run before.json -q \(settings) -o second --set training.steps=2 --set 'stages.replay.from=[\"first\"]'"
    )
    let replayed = try sandbox.records(in: "second/lineage.jsonl").filter { $0["origin"] != nil }
    #expect(replayed.contains { $0["step"] == 0 && $0["origin"]?["run"]?.stringValue == "first" })
    let id = replayed[0]["id"]?.stringValue ?? ""
    #expect(
      try sandbox.output("shuffle-r1 why second \(id) --color never").split(whereSeparator: \.isWhitespace)
        .joined(separator: " ").contains("of first, where it was "))
    // Saved rollouts, and no policy: selection alone.
    try sandbox.write(
      "offline.json",
      """
      {"source": {"rollouts": "first/rollouts.jsonl.zst", "provides": ["answer"]},
       "stages": [{"use": "reward", "with": {"functions": ["exact"]}},
                  {"use": "replay", "with": {"store": {"use": "repo", "with": {"least": 8, "size": 4}}, "from": ["first"]}},
                  {"use": "advantage", "with": {"replayed": "split"}}]}
      """)
    for threads in [1, 2, 7] {
      try sandbox.output("shuffle-r1 run offline.json -q -o off-\(threads) --threads \(threads)")
    }
    let whole = sandbox.run(in: "off-1").filter { !$0.key.contains("timings") && $0.key != "state.json" }
    #expect(whole.keys.contains("replay/replay.0.jsonl.zst"))
    for threads in [2, 7] {
      #expect(
        sandbox.run(in: "off-\(threads)").filter { !$0.key.contains("timings") && $0.key != "state.json" } == whole)
    }
    #expect(try sandbox.records(in: "off-1/lineage.jsonl").contains { $0["origin"] != nil && $0["advantage"] != nil })
    for (setting, message) in [
      (
        "nowhere",
        "there is no nowhere, which 'from' of stage 'replay' names; name the folder of a run, or a file of rollouts"
      ),
      (
        "model",
        "the run in model, which 'from' of stage 'replay' names, has no rollouts.jsonl.zst; name its file of rollouts"
      ),
    ] {
      #expect(
        try sandbox.run("shuffle-r1 run before.json -q -o bad --set 'stages.replay.from=[\"\(setting)\"]'").errors
          .contains(
            message))
    }
    #expect(
      try sandbox.run("shuffle-r1 run after.json -q -o none --set 'stages.replay.from=[\"first\"]'").errors.contains(
        "the store 'ssr' goes by 'advantage', and takes none of them"))
    try sandbox.output(
      "shuffle-r1 run after.json -q -o ssr --set training.steps=1 --set 'stages.replay.from=[\"first/selected.jsonl\"]'"
    )
    #expect(try sandbox.records(in: "ssr/lineage.jsonl").contains { $0["origin"] != nil })
  }

  @Test("check says what a store keeps, and what does not go together")
  func check() throws {
    #expect(
      try sandbox.output("shuffle-r1 check after.json").contains(
        "after.json: the store 'ssr' of stage 'replay' keeps at most 8 trajectories; its index takes at most 1 MB of memory\n"
      ))
    #expect(
      try sandbox.output("shuffle-r1 check before.json").contains(
        "keeps at most 1000000 trajectories, of each prompt at most 16; its index takes at most 200 MB of memory\n"))
    #expect(
      try sandbox.output("shuffle-r1 check before.json").contains(
        "before.json: a step makes 16 rollouts, 8 of each of 2 prompts, and 1 update; where 10, 25 or 50 % of the rollouts are "
          + "right, 57, 90 or 99 % of the groups have right and wrong ones\n"))
    func errors(_ settings: String, _ spec: String = "before") throws -> String {
      try sandbox.run("shuffle-r1 check \(spec).json \(settings)").errors
    }
    #expect(
      try errors(#"--set 'stages.replay.store={"use": "arpo", "with": {"success_above": 0.1}}'"#).contains(
        "'success_above' is 0.1, which is less than mean_below, 0.2: a reward in between would be a failure"))
    #expect(try errors("--set stages.replay.store=rep").contains("unknown store 'rep'; did you mean 'repo'?"))
    #expect(
      try errors("--set stages.replay.admit=false").contains(
        "'admit' is false and 'from' names nothing, so that there would be nothing to replay"))
    #expect(
      try errors(#"--set 'stages.update.replayed={"old_log_probs": "stored"}'"#).contains(
        "'replayed.importance.level' is token, but with old_log_probs 'stored' the loss compares with the policy that sampled"
      ))
    for (stages, message) in [
      (
        #"{"use": "replay"}, "advantage""#,
        "stage 'replay' reads 'advantage', which nothing before it writes; put stage 'advantage', which writes it, before this one"
      ),
      (
        #""advantage", {"use": "replay"}, {"use": "filter", "with": {"max_attempts": 3}}"#,
        "stage 'replay' comes before 'filter', which asks for more prompts, so that a step would come to the store several times"
      ),
    ] {
      try sandbox.write("odd.json", Self.spec(stages))
      #expect(try sandbox.run("shuffle-r1 check odd.json").errors.contains(message), "\(message)")
    }
    try sandbox.write(
      "odd.json",
      sandbox.text("after.json").replacing(
        #"{"use": "update", "with": {"learning_rate": {"rate": 1e-3}}}"#,
        with: #"{"use": "update"}, {"use": "replay", "name": "late"}"#))
    #expect(
      try sandbox.run("shuffle-r1 check odd.json").errors.contains(
        "stage 'late' comes behind 'update', which trains, so that nothing that it brings in is trained on; put it before"
      ))
  }
}

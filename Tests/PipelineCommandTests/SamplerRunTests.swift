// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// Runs with what chooses prompts, and with what decides how many rollouts each gets.
@Suite("Samplers and waves in a run", .timeLimit(.minutes(15)), .ownThreads)
struct SamplerRunTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox.withTraining()
    // Some of the answers are what the model says now and then.
    let lines = sandbox.text("prompts.jsonl").split(separator: "\n").enumerated().map { index, line in
      line.dropLast() + ", \"difficulty\": \(index * 9)}\n"
    }
    try sandbox.write("pool.jsonl", lines.joined())
    try sandbox.write(
      "sampled.json",
      """
      {
        "policy": {"use": "bundled", "with": {"model": "model"}},
        "source": {"prompts": "pool.jsonl", "provides": ["answer", "difficulty"], "batch": {"groups": 3}},
        "stages": [
          {"use": "rollout", "with": {"n": 8, "sampling": {"top_k": 2, "max_tokens": 3}}},
          {"use": "reward", "with": {"functions": ["exact"]}},
          {"use": "filter", "with": {"rule": "zero-variance", "max_attempts": 2}},
          "advantage",
          {"use": "update", "with": {"learning_rate": {"rate": 1e-3}}}
        ],
        "training": {"steps": 9, "checkpoints": {"every": 2}}
      }
      """)
  }

  private static let names = [
    "epochs", "greso", "mopps", "adarft", "variance", "difficulty-pools",
  ]
  private static let policies = [
    #"{"use": "pilot", "with": {"first": 3}}"#,
    #"{"use": "pilot", "with": {"first": 3, "second": "next-step"}}"#,
    #"{"use": "reinforce-ada", "with": {"per_round": 5, "threshold": 0.5}}"#,
    #"{"use": "reinforce-ada", "with": {"choice": "positive-focused", "per_round": 4, "rounds": 3, "threshold": 0.5}}"#,
  ]

  private func check(_ settings: String, _ name: String) throws {
    try sandbox.checkSameTraining("shuffle-r1 run sampled.json -q \(settings)", in: name)
  }

  @Test("with each sampler a run gives the same bytes on any threads, and after kills", arguments: names)
  func sampler(_ name: String) throws {
    try check("--set source.sampler=\(name)", name)
    let metrics = sandbox.text("\(name)/metrics.jsonl").split(separator: "\n")
    #expect(metrics.count == 9)
    if name != "epochs" { #expect(metrics[3].contains("\"\(name)/")) }
    let lineage = sandbox.text("\(name)/lineage.jsonl").split(separator: "\n")
    #expect(lineage.allSatisfy { $0.contains(#""prompt_choice":{"sampler":"\#(name)""#) })
  }

  @Test("with each wave policy a run gives the same bytes on any threads, and after kills", arguments: policies.indices)
  func wavePolicy(_ index: Int) throws {
    try check("--set 'stages.rollout.waves=\(Self.policies[index])'", "waves-\(index)")
  }

  /// Two rollouts at first, more two by two until one is right, of which the right ones and the first wrong one stay.
  private static let waves = """
    import json, random, sys
    for line in sys.stdin:
        message = json.loads(line)
        group = message["group"]
        right = [i for i, reward in enumerate(group["rewards"]) if reward]
        if message["call"] == "keep":
            answer = {"keep": sorted(right + [i for i in range(len(group["rewards"])) if i not in right][:1])}
        elif right:
            answer = {"admit": True}
        elif len(group["rewards"]) < message["most"] and random.Random(message["seed"]).random() < 0.9:
            answer = {"more": 2}
        else:
            answer = {"drop": True}
        print(json.dumps({"id": message["id"], **answer}), flush=True)
    """

  @Test("waves that a program decides about give the same bytes on any threads, and after kills")
  func wavesOfAProgram() throws {
    try sandbox.write("waves.py", Self.waves)
    let policy =
      #"{"use": "process", "with": {"command": ["python3", "waves.py"], "first": 2, "most": 8, "keeps": true}}"#
    try check("--set 'stages.rollout.waves=\(policy)'", "program")
    let lineage = try sandbox.records(in: "program/lineage.jsonl")
    let rules = Set(lineage.compactMap { $0["rule"]?.stringValue })
    #expect(rules.contains("wave-drop:program"), "\(rules)")
    #expect(Set(lineage.compactMap { $0["rollout_wave"]?.intValue }).count > 1)
    try sandbox.write("waves.py", "import sys\nprint('of the program', file=sys.stderr)\n" + Self.waves)
    try sandbox.output("shuffle-r1 run sampled.json -q -o logged --set 'stages.rollout.waves=\(policy)'")
    #expect(sandbox.text("logged/logs/rollout.log").contains("of the program"))
  }

  private static let next = #"{"use": "pilot", "with": {"first": 3, "second": "next-step"}}"#

  @Test("groups that wait are trained on with the log-probabilities of the policies that made them")
  func waiting() throws {
    let run =
      "shuffle-r1 run sampled.json -q --set 'stages.rollout.waves=\(Self.next)' --set stages.filter.max_attempts=1 "
      + "--set output.rollouts=selected.jsonl"
    try sandbox.output("\(run) -o out")
    let lineage = try sandbox.records(in: "out/lineage.jsonl")
    let kept = try sandbox.records(in: "out/selected.jsonl")
    let waited = kept.filter { $0["origin"] != nil }
    #expect(!waited.isEmpty)
    // As they were sampled: in the step that made them, by its policy.
    let all = try sandbox.records(sandbox.output("zstd -dcq out/rollouts.jsonl.zst"))
    for record in waited {
      let (step, origin) = (try #require(record["step"]?.intValue), try #require(record["origin"]))
      let made = try #require(origin["step"]?.intValue)
      #expect(made < step && origin["waves"] == "pilot" && origin["stage"] == "rollout")
      #expect(record["policy_version"]?.intValue == made && origin["policy_version"]?.intValue == made)
      let first = try #require(all.first { $0["id"] == record["id"] && $0["step"]?.intValue == made })
      for field in ["tokens", "logprobs", "reward", "rewards", "response", "sampling"] {
        #expect(first[field] == record[field], "\(field)")
      }
      #expect(
        lineage.first { $0["id"] == record["id"] && $0["step"]?.intValue == made }?["rule"] == "wave-waiting")
      // Once among all rollouts, though it was in two steps.
      #expect(!all.contains { $0["id"] == record["id"] && $0["step"]?.intValue == step })
    }
    // Every group that goes on is complete, with an advantage over all of its rollouts.
    let groups = Dictionary(grouping: kept) { "\($0["step"]?.json ?? "") \($0["group"]?.stringValue ?? "")" }
    #expect(groups.values.allSatisfy { $0.count == 8 && $0.contains { $0["origin"] != nil } })
    for group in groups.values {
      let sum = group.reduce(0) { $0 + ($1["advantage"]?.doubleValue ?? .nan) }
      #expect(sum.magnitude < 1e-6)
    }
    let metrics = try sandbox.records(in: "out/metrics.jsonl")
    #expect(metrics.contains { $0["actor/replay_ess"]?.doubleValue ?? 0 > 0 })
    #expect(metrics[0]["rollout/waiting_groups"]?.doubleValue ?? 0 > 0)
    #expect(metrics[0]["update/kept"]?.doubleValue == 0)
    // The loss against the policy that made them, and no correction beside it: another update.
    try sandbox.output(
      "\(run) -o stored --set 'stages.update.replayed={\"old_log_probs\": \"stored\", \"importance\": {\"level\": \"none\"}}'"
    )
    #expect(sandbox.text("stored/metrics.jsonl") != sandbox.text("out/metrics.jsonl"))
    #expect(!sandbox.text("stored/metrics.jsonl").contains("actor/replay_ess"))
  }

  @Test(
    "what waits goes with samplers, stores and noise: the same bytes on any threads, and after kills",
    arguments: [
      "--set source.sampler=mopps --set stages.filter.max_attempts=1",
      "--set source.sampler=variance --set stages.rollout.noisy=2 --set stages.rollout.noise.decay=none",
      "--set 'stages.rollout.waves.with.first=2' --set 'stages.update.replayed={\"old_log_probs\": \"stored\", \"importance\": {\"level\": \"none\"}, \"denominator\": \"own\"}'",
    ])
  func waitingWithOthers(_ settings: String) throws {
    try check("--set 'stages.rollout.waves=\(Self.next)' \(settings)", "waiting")
  }

  @Test("with noise, waves go by the clean rollouts, and what they admit gets noisy ones")
  func noisyWaves() throws {
    for (index, policy) in Self.policies.enumerated() {
      let name = "noisy-\(index)"
      try check(
        "--set stages.rollout.noisy=2 --set stages.filter.max_attempts=1 --set 'stages.rollout.waves=\(policy)'", name)
      let records = try sandbox.records(sandbox.output("zstd -dcq \(name)/rollouts.jsonl.zst"))
      let noisy = records.filter { $0["rollout_wave"] == nil }
      #expect(!noisy.isEmpty && noisy.allSatisfy { $0["reward"] != nil })
      #expect(records.filter { $0["sampling"]?["images"] == "noisy" }.allSatisfy { $0["rollout_wave"] == nil })
      // None is made for a prompt that the waves drop.
      func place(_ record: JSONValue) -> String {
        "\(record["step"]?.json ?? "") \(record["group"]?.stringValue ?? "")"
      }
      let lineage = try sandbox.records(in: "\(name)/lineage.jsonl")
      let dropped = Set(lineage.filter { $0["rule"]?.stringValue?.hasPrefix("wave-drop") == true }.map(place))
      #expect(dropped.isDisjoint(with: noisy.map(place)))
      #expect(Dictionary(grouping: noisy, by: place).values.allSatisfy { $0.count == 2 })
    }
    let id = try #require(
      try sandbox.records(in: "noisy-0/lineage.jsonl").first { $0["rollout_wave"] == nil && $0["outcome"] == "kept" })
    #expect(
      try why("\"id\":\(id["id"]?.json ?? "")", "noisy-0").contains(
        "one of 'noisy', made when pilot had admitted its prompt; the rewards of its 3 first rollouts differ, so the group got 5 more"
      ))
  }

  @Test("a program may let groups wait, where its options say so")
  func waitingProgram() throws {
    try sandbox.write(
      "waves.py",
      """
      import json, sys
      for line in sys.stdin:
          message = json.loads(line)
          rewards = message["group"]["rewards"]
          if message["wave"] == 0:
              answer = {"later": 2} if any(rewards) else {"more": 1}
          else:
              answer = {"later": 1} if len(rewards) == 4 else {"admit": True}
          print(json.dumps({"id": message["id"], **answer}), flush=True)
      """)
    let policy = #"{"use": "process", "with": {"command": ["python3", "waves.py"], "first": 2, "waits": true}}"#
    try check("--set 'stages.rollout.waves=\(policy)'", "later")
    let origins = try sandbox.records(in: "later/lineage.jsonl").filter {
      $0["outcome"] == "kept" && $0["origin"] != nil
    }
    #expect(!origins.isEmpty)
    let error = try sandbox.run(
      #"shuffle-r1 run sampled.json -q -o bad --set 'stages.rollout.waves={"use": "process", "with": {"command": ["python3", "waves.py"], "first": 2}}'"#
    ).errors
    #expect(
      error.contains(#" wait, by 'later', which it may only with "waits": true in the options of the waves"#),
      "\(error)")
  }

  @Test("answers of such a program that are no decisions stop the run with what is wrong")
  func noDecisions() throws {
    for (answer, message) in [
      (#"{"more": 1, "admit": True}"#, "it must hold one of 'more', a number, \"admit\": true and \"drop\": true"),
      (#"{"more": 1.5}"#, "wants 1.5 more rollouts of"), (#"{"error": "no"}"#, "it no"),
      (#"{"more": 100}"#, "wants 100 more rollouts of"),
    ] {
      try sandbox.write(
        "waves.py",
        "import json, sys\nfor line in sys.stdin: print(json.dumps({'id': json.loads(line)['id'], **\(answer)}), flush=True)"
      )
      let outcome = try sandbox.run(
        #"shuffle-r1 run sampled.json -q -o bad --overwrite --set 'stages.rollout.waves={"use": "process", "with": {"command": ["python3", "waves.py"]}}'"#
      )
      #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
    }
  }

  @Test("a program with a state of its own gives the same bytes on any threads, and after kills")
  func program() throws {
    try sandbox.write(
      "sampler.py",
      """
      import json, random, sys
      for line in sys.stdin:
          message = json.loads(line)
          state = message["state"] or {"steps": 0, "means": {}}
          answer = {"id": message["id"], "state": state}
          if message["call"] == "choose":
              draw = random.Random(message["seed"] + state["steps"])
              free = [i for i in range(message["pool"]["count"]) if i not in message["excluded"]]
              key = {i: (state["means"].get(str(i), 0.5), draw.random()) for i in free}
              answer["indices"] = sorted(free, key=key.get)[: message["count"]]
          else:
              state["steps"] += 1
              for result in message["results"]:
                  if result["rewards"]:
                      state["means"][str(result["index"])] = sum(result["rewards"]) / len(result["rewards"])
              answer["metrics"] = {"known": len(state["means"])}
          print(json.dumps(answer), flush=True)
      """)
    try check(
      #"--trust --set 'source.sampler={"use": "process", "with": {"command": ["python3", "sampler.py"]}}'"#, "program")
    #expect(sandbox.text("program/metrics.jsonl").contains(#""process/known":"#))
    try sandbox.write(
      "twice.py",
      """
      import json, sys
      for line in sys.stdin: print(json.dumps({"id": json.loads(line)["id"], "indices": [4, 4]}), flush=True)
      """)
    #expect(
      try sandbox.run(
        #"shuffle-r1 run sampled.json -q -o bad --trust --set 'source.sampler={"use": "process", "with": {"command": "#
          + #"["python3", "twice.py"]}}'"#
      ).errors.contains(
        "sampler 'process', step 0: 'twice.py': it chose the prompt 4 twice, or although 'excluded' names it"))
  }

  /// Rolls three prompts out before every third step, and chooses those of which it has learnt most.
  private static let prober = """
    import json, random, sys
    for line in sys.stdin:
        message = json.loads(line)
        state = message["state"] or {"learnt": {}, "probes": 0}
        answer = {"id": message["id"], "state": state}
        count = message["pool"]["count"]
        if message["call"] == "probe":
            if message["step"] % 3 == 0:
                state["probes"] += 1
                answer["indices"] = random.Random(message["seed"]).sample(range(count), 3)
                answer["rollouts"] = 4
        elif message["call"] == "choose":
            free = [i for i in range(count) if i not in message["excluded"]]
            answer["indices"] = sorted(free, key=lambda i: (-state["learnt"].get(str(i), 0), i))[: message["count"]]
        elif message["call"] == "learn":
            for result in message["results"]:
                key = str(result["index"])
                state["learnt"][key] = state["learnt"].get(key, 0) + 1 + sum(result["rewards"])
            answer["metrics"] = {"probed": state["probes"]}
        print(json.dumps(answer), flush=True)
    """

  @Test("a program that probes gives the same bytes on any threads, and after kills")
  func probingProgram() throws {
    try sandbox.write("prober.py", Self.prober)
    func sampler(_ options: String) -> String {
      #"--trust --set 'source.sampler={"use": "process", "with": {"command": ["python3", "prober.py"]\#(options)}}'"#
    }
    try check(sampler(#", "probes": true"#), "prober")
    let metrics = try sandbox.records(in: "prober/metrics.jsonl")
    #expect(metrics.map { $0["probe/rollouts"]?.doubleValue } == [12, nil, nil, 12, nil, nil, 12, nil, nil])
    #expect(metrics.map { ($0["probe/response_tokens"]?.doubleValue ?? 0) > 0 } == (0..<9).map { $0 % 3 == 0 })
    #expect(metrics.compactMap { $0["process/probed"]?.doubleValue } == [1, 2, 3])
    // A program whose options do not say so is not asked.
    try sandbox.output("shuffle-r1 run sampled.json -q -o plain \(sampler(""))")
    #expect(!sandbox.text("plain/metrics.jsonl").contains("probe"))
    try sandbox.write(
      "no-reward.json",
      sandbox.text("sampled.json").replacing(#"{"use": "reward", "with": {"functions": ["exact"]}},"#, with: "")
        .replacing(#"{"use": "filter", "with": {"rule": "zero-variance", "max_attempts": 2}},"#, with: ""))
    #expect(
      try sandbox.run("shuffle-r1 check no-reward.json \(sampler(#", "probes": true"#))").errors.contains(
        "the sampler 'process' rolls prompts out to learn from them, and no stages make rollouts and score them"))
  }

  @Test("difficulties come from what a model's responses were worth")
  func difficulty() throws {
    try sandbox.output(
      """
      shuffle-r1 evaluate --model model --prompts prompts.jsonl --samples 4 --max-tokens 3 --reward exact -o scored.jsonl
      python3 '\(Program.package.path)/Examples/papers/add-difficulty' prompts.jsonl scored.jsonl > difficult.jsonl
      shuffle-r1 run sampled.json -q -o out --set source.sampler=adarft --set source.prompts=difficult.jsonl --set training.steps=2
      """)
    let found = try sandbox.records(in: "difficult.jsonl").compactMap { $0["difficulty"]?.doubleValue }
    #expect(found.count == 11)
    #expect(found.allSatisfy { (0...100).contains($0) })
  }

  @Test("the sampler epochs gives what no sampler gives")
  func epochs() throws {
    let run = "shuffle-r1 run sampled.json -q --set stages.filter.max_attempts=1"
    try sandbox.output("\(run) -o plain; \(run) -o epochs --set source.sampler=epochs")
    #expect(sandbox.text("plain/metrics.jsonl") != "")
    #expect(sandbox.text("epochs/metrics.jsonl") == sandbox.text("plain/metrics.jsonl"))
    #expect(
      sandbox.bytes("epochs/checkpoints/step-9/model.safetensors")
        == sandbox.bytes("plain/checkpoints/step-9/model.safetensors"))
    #expect(!sandbox.text("plain/resolved.json").contains("sampler"))
    #expect(!sandbox.text("plain/resolved.json").contains("waves"))
  }

  @Test("one wave of 16 rollouts equals 4 + 12, where all are asked for")
  func oneWave() throws {
    let run = "shuffle-r1 run sampled.json -q --set stages.rollout.n=16 --set stages.filter.max_attempts=1"
    try sandbox.output(
      """
      \(run) -o one
      \(run) -o two --set 'stages.rollout.waves={"use": "pilot", "with": {"first": 4}}'
      """)
    func rollouts(_ name: String) throws -> [String: JSONValue] {
      let text = try sandbox.output("zstd -dcq \(name)/rollouts.jsonl.zst")
      let records = try sandbox.records(text).filter { $0["step"] == 0 }
      return Dictionary(uniqueKeysWithValues: records.map { ($0["id"]?.stringValue ?? "", $0) })
    }
    let (one, two) = (try rollouts("one"), try rollouts("two"))
    #expect(one.count == 48)
    for (id, record) in two { #expect(record["sampling"] == one[id]?["sampling"]) }
    // A row of a product does not depend on how many others there are.
    for field in ["tokens", "logprobs", "finish"] {
      #expect(two.allSatisfy { $0.value[field] == one[$0.key]?[field] }, "\(field)")
    }
    // A group of the second wave is complete.
    let sizes = Dictionary(grouping: two.keys) { $0.split(separator: "/")[0] }.mapValues(\.count)
    #expect(Set(sizes.values).isSubset(of: [4, 16]))
    #expect(sizes.values.contains(16))
  }

  @Test("why says of each decision what it was made by")
  func why() throws {
    try sandbox.output(
      """
      shuffle-r1 run sampled.json -q -o mopps --set source.sampler=mopps
      shuffle-r1 run sampled.json -q -o pilot --set 'stages.rollout.waves={"use": "pilot", "with": {"first": 3}}'
      """)
    try sandbox.output(
      "shuffle-r1 run sampled.json -q -o next --set stages.filter.max_attempts=1 --set 'stages.rollout.waves=\(Self.next)'"
    )
    let waiting = try why("wave-waiting", "next")
    #expect(
      waiting.contains(
        "dropped by the rule 'wave-waiting': its group waits for the rest of its rollouts, which are made with the first ones of the "
          + "prompts that come next; made in wave 1 of pilot; the rewards of its 3 first rollouts differ, so the group gets 5 more later"
      ))
    #expect(waiting.contains("later it waited, and came again in step "))
    let back = try why(#""waves":"pilot""#, "next")
    #expect(back.contains("made in wave 1 of pilot, in step "))
    #expect(back.contains("; the rewards of its 3 first rollouts differ, so the group got 5 more"))
    let chosen = try why(#""step":0"#, "mopps")
    #expect(chosen.contains("chosen by mopps: the success rate "))
    #expect(chosen.contains(", drawn from Beta(1, 1), was among the nearest to one half"))
    #expect(
      try why("wave-drop:no-contrast", "pilot").contains(
        "dropped by the rule 'wave-drop:no-contrast': the rewards of its group's first rollouts are all equal, so the rest of "
          + "the group was not made; made in wave 1 of pilot; its 3 first rollouts all had the reward"))
    #expect(
      try why(#""outcome":"kept""#, "pilot").contains(
        "of pilot; the rewards of its 3 first rollouts differ, so the group got 5 more"))
    try sandbox.output("shuffle-r1 run sampled.json -q -o ada --set 'stages.rollout.waves=\(Self.policies[2])'")
    let surplus = try why("wave-surplus", "ada")
    #expect(
      surplus.contains(
        "dropped by the rule 'wave-surplus': the policy of the waves keeps a part of its group, and this rollout is not in it; "
          + "made in wave "))
    #expect(surplus.contains("of them right; 8 of a group are kept"))
  }

  /// What is said of the first trajectory whose lineage has some text.
  private func why(_ what: String, _ run: String) throws -> String {
    let line = try #require(sandbox.text("\(run)/lineage.jsonl").split(separator: "\n").first { $0.contains(what) })
    let entry = try JSONValue(parsing: String(line))
    let (id, step) = (entry["id"]?.stringValue ?? "", entry["step"]?.intValue ?? 0)
    return try sandbox.output("shuffle-r1 why \(run) \(id) --step \(step) --color never")
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  @Test("a pool of other prompts refuses to go on, with what to do")
  func otherPool() throws {
    try sandbox.output("shuffle-r1 run sampled.json -q -o out --set source.sampler=greso --set training.steps=4")
    try sandbox.output("sed -i 's/q03/q33/' pool.jsonl")
    let outcome = try sandbox.run(
      "shuffle-r1 run sampled.json -q -o out --set source.sampler=greso --resume --accept-changes")
    #expect(outcome.status != 0)
    #expect(
      outcome.errors.contains(
        "the prompts are not those that the sampler 'greso' has learnt about: their ids, their order or the numbers that it "
          + "chooses by are others; put the files back that the run began with, or start anew with --overwrite"))
  }

  @Test("check says what a step is to make, and what a sampler remembers")
  func expectation() throws {
    let text = try sandbox.output(
      """
      shuffle-r1 check sampled.json --set source.sampler=mopps --set stages.rollout.n=16 --set stages.rollout.waves=pilot
      """)
    #expect(
      text.contains("sampled.json: the sampler 'mopps' chooses the prompts, and remembers at most 16 bytes of each\n"))
    #expect(
      text.contains(
        "sampled.json: a step makes 4 to 16 rollouts of each prompt by the waves of 'pilot': 12 to 48 of 3, and as many again "
          + "each time that it takes further prompts, at most 1 times\n"))
    let later = try sandbox.output(
      "shuffle-r1 check sampled.json --set stages.filter.max_attempts=1 --set stages.rollout.noisy=5 "
        + "--set 'stages.rollout.waves=\(Self.next)'")
    #expect(
      later.contains(
        "sampled.json: a step makes 3 to 8 rollouts of each prompt by the waves of 'pilot', and 5 of noisy images of each that is "
          + "admitted: 9 to 39 of 3; at most 3 groups wait for the rest of their rollouts, made in the next step, so that the first "
          + "one trains on none, and what is complete goes on first in, first out\n"))
  }

  @Test("check says what a sampler and waves lack")
  func lacks() throws {
    func errors(_ settings: String) throws -> String {
      try sandbox.run("shuffle-r1 check sampled.json \(settings)").errors
    }
    #expect(
      try errors(#"--set source.sampler=adarft --set 'source.provides=["answer"]'"#).contains(
        "the sampler 'adarft' chooses by 'difficulty', a number that every prompt must carry; say \"provides\": [\"answer\", "
          + "\"difficulty\"] in the source, and put it into the records"))
    #expect(try errors("--set source.sampler=mops").contains("unknown sampler 'mops'; did you mean 'mopps'?"))
    #expect(
      try errors("--set stages.rollout.waves=pilot --set stages.rollout.n=4").contains(
        "'waves.with.first' is 4, it must be less than n, 4, the rollouts of a whole group"))
    try sandbox.write(
      "no-reward.json",
      """
      {"policy": {"use": "bundled", "with": {"model": "model"}}, "source": {"prompts": "pool.jsonl"},
       "stages": [{"use": "rollout", "with": {"waves": "pilot"}}]}
      """)
    #expect(
      try sandbox.run("shuffle-r1 check no-reward.json").errors.contains(
        "the waves of stage 'rollout' go by rewards, and no stage after it gives any; put reward behind it, or leave 'waves' out"
      ))
    try sandbox.output("sed -i 's/\"difficulty\": 27/\"difficulty\": \"hard\"/' pool.jsonl")
    #expect(
      try sandbox.run("shuffle-r1 run sampled.json -q -o bad --set source.sampler=adarft").errors.contains(
        "pool.jsonl:4:1: 'difficulty' of 'q03' is \"hard\", and the sampler 'adarft' chooses by it; make it a number"))
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import PipelineTesting
import Testing

/// Chooses what a test says.
private struct FixedSampler: PromptSampler {
  static let about = ComponentAbout(
    name: "fixed", summary: "Chooses what it is told", metrics: [MetricAbout("seen", unit: "groups", "groups observed")]
  )
  var choice: @Sendable (_ attempt: Int, _ count: Int) throws -> [Int] = { _, count in Array(0..<count) }

  init(options: NoOptions, assembly: Assembly) {}
  init(_ choice: @escaping @Sendable (Int, Int) throws -> [Int]) { self.choice = choice }

  func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) throws -> [PromptChoice] {
    try choice(context.attempt, count).filter { $0 >= pool.count || !excluded.contains($0) }.map { PromptChoice($0) }
  }

  func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    for result in results { memory["groups", result.index] = (memory["groups", result.index] ?? 0) + 1 }
    let facts = results.map { "\($0.index):\($0.rewards):\($0.unscored):\($0.rule ?? "kept"):\($0.waves)" }
    context.report.warn("seen", facts.joined(separator: " "))
    context.report.metric("seen", Double(results.count))
  }
}

/// Rolls three prompts out before every second step, and says what it learnt.
private struct ProbingSampler: PromptSampler {
  static let about = ComponentAbout(name: "probing", summary: "Rolls prompts out to learn from them")
  let probes = true
  var indices = [0, 2, 5]

  init(options: NoOptions, assembly: Assembly) {}
  init(_ indices: [Int] = [0, 2, 5]) { self.indices = indices }

  func probe(_ pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext) -> PromptProbe? {
    context.step.isMultiple(of: 2) ? PromptProbe(indices, rollouts: 3) : nil
  }

  func learn(
    from results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    for result in results {
      memory["right", result.index] = (memory["right", result.index] ?? 0) + result.rewards.reduce(0, +)
    }
    context.report.warn("learnt", results.map { "\($0.index):\($0.rewards)" }.joined(separator: " "))
  }

  func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    (0..<pool.count).sorted { (memory["right", $0] ?? -1, $0) > (memory["right", $1] ?? -1, $1) }.prefix(count)
      .map { PromptChoice($0) }
  }

  func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {}
}

/// Makes rollouts in the waves of a policy.
private struct WaveStage: Stage {
  static let about = ComponentAbout(name: "roll", summary: "Rolls responses out")
  let reads: Set<Field> = [.prompt]
  let writes: Set<Field> = [.response, .tokens]
  let needs: Set<PolicyAbility> = [.generation]
  let rolloutsPerPrompt: Int? = 1
  let waves: StageWaves?

  init() { waves = nil }
  init(options: NoOptions, assembly: Assembly) { waves = nil }
  init(_ policy: FixedWaves, n: Int, besides: Int = 0) throws {
    waves = try StageWaves(policy, n: n, besides: besides)
  }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let outcomes = try await RolloutSampler(sampler: context.training.sampler, options: .init())
      .rollouts(of: batch.trajectories, in: context.wave)
    let besides = try await RolloutSampler(sampler: context.training.sampler, options: .init())
      .rollouts(of: batch.trajectories, in: context.wave?.ofBesides ?? RolloutWave(number: 0, numbers: [:]))
    batch.expand(stage: context.stage) { index in
      guard case .rollouts(let rollouts, _) = outcomes[index], case .rollouts(let further, _) = besides[index] else {
        return .dropped(rule: "unusable")
      }
      return .rollouts(
        (rollouts + further).map { rollout in
          var rollout = rollout
          rollout.set(.rolloutWave, to: .number(context.wave?.number(of: rollout.group) ?? 0))
          rollout.set(.policyVersion, to: .number(context.training.policyVersion))
          rollout.step = context.step
          return rollout
        })
    }
  }
}

private struct FixedWaves: WavePolicy {
  static let about = ComponentAbout(
    name: "fixed", summary: "Decides what it is told", rules: [DropRule("unlucky", because: "it was told so")])
  var decision: @Sendable (WaveGroup, _ wave: Int) -> WaveDecision
  var kept: [Int]? = [0]
  var waits = false
  let writes: Set<Field> = [.seen]

  init(options: NoOptions, assembly: Assembly) { decision = { _, _ in .admit } }
  init(kept: [Int]? = [0], waits: Bool = false, _ decision: @escaping @Sendable (WaveGroup, Int) -> WaveDecision) {
    (self.kept, self.waits, self.decision) = (kept, waits, decision)
  }

  func plan(for n: Int) -> WavePlan { WavePlan(first: 1, most: n) }
  func decide(_ groups: [WaveGroup], in context: WaveContext) -> [WaveDecision] {
    groups.map { decision($0, context.wave) }
  }
  func keep(_ group: WaveGroup, in context: WaveContext) -> WaveKeep {
    WaveKeep(
      kept ?? Array(group.rewards.indices),
      seen: SeenStatistics(rewards: group.rewards.compactMap { $0 }, threshold: 0.5))
  }
}

@Suite("Samplers and waves, step by step", .timeLimit(.minutes(15)))
struct SamplerAndWaveTests {
  private func message(
    of sampler: FixedSampler? = nil, waves: FixedWaves? = nil, n: Int = 3
  ) async throws -> String {
    let training = try TrainingRun(prompts: 6)
    let error = await #expect(throws: PipelineError.self) {
      try await training.run {
        $0.sampler = sampler
        if let waves { $0.stages = [try WaveStage(waves, n: n), YesStage(), LearnStage()] }
      }
    }
    return error?.message ?? ""
  }

  @Test("a sampler that breaks its contract is named")
  func badChoices() async throws {
    let remedy = "; a choice is of different prompts, and of none that are excluded"
    #expect(
      try await message(of: FixedSampler { _, _ in [1, 1] })
        == "the sampler 'fixed' chose the prompt 1, which the step has already or the pool of 6 has not" + remedy)
    #expect(
      try await message(of: FixedSampler { _, _ in [6] })
        == "the sampler 'fixed' chose the prompt 6, which the step has already or the pool of 6 has not" + remedy)
    #expect(
      try await message(of: FixedSampler { _, _ in throw PipelineError(.plugIn, "no idea") })
        == "sampler 'fixed', step 0: no idea")
  }

  @Test("what a sampler probes is rolled out and scored before the step, counted, learnt from, and not trained on")
  func probes() async throws {
    let training = try TrainingRun(prompts: 6)
    let observer = RecordingObserver()
    func change(_ learning: LearnStage, _ observer: RecordingObserver) -> (inout TrainingRun.Plan) -> Void {
      {
        ($0.sampler, $0.stages) = (ProbingSampler(), [WaveStage(), YesStage(), learning])
        ($0.steps, $0.epochs, $0.observer) = (3, nil, observer)
      }
    }
    try await training.run("whole", .refuse, change(LearnStage(), observer))
    let lines = try training.records("metrics.jsonl", in: "whole")
    #expect(lines.map { $0["probe/rollouts"]?.doubleValue } == [9, nil, 9])
    // "yes" and twice "no", each with its end token.
    #expect(lines[0]["probe/response_tokens"]?.doubleValue == 30)
    #expect(lines.allSatisfy { $0["roll/kept"]?.doubleValue == 2 })
    #expect(
      observer.warnings.filter { $0.contains("learnt") || $0.contains(":[") }.count == 2, "\(observer.warnings)")
    #expect(try training.groups(in: "whole") == [["p5", "p2"], ["p5", "p2"], ["p5", "p2"]])
    #expect(
      try training.records("timings.jsonl", in: "whole").map { $0["timing_s/probe"] != nil } == [true, false, true])
    // A step that is done again probes again.
    let failing = LearnStage { step in if step == 2 { throw PipelineError(.plugIn, "an accident") } }
    await #expect(throws: PipelineError.self) {
      try await training.run("part", .refuse, change(failing, RecordingObserver()))
    }
    try await training.run("part", .resume, change(LearnStage(), RecordingObserver()))
    #expect(try training.files(of: "part") == training.files(of: "whole"))
  }

  @Test("a probe of prompts that there are not, or that nothing rolls out, is refused")
  func badProbes() async throws {
    let training = try TrainingRun(prompts: 6)
    for (sampler, stages, message) in [
      (
        ProbingSampler([0, 6]), [WaveStage(), YesStage(), LearnStage()] as [any Stage],
        "the sampler 'probing' wants to roll out prompts twice, or some that the pool of 6 has not"
      ),
      (
        ProbingSampler(), [WaveStage(), LearnStage()],
        "the sampler rolls prompts out to learn from them, and no stages make rollouts and score them"
      ),
    ] {
      let error = await #expect(throws: PipelineError.self) {
        try await training.run("bad", .overwrite) { ($0.sampler, $0.stages) = (sampler, stages) }
      }
      #expect(error?.message == message)
    }
  }

  @Test("a sampler sees every group of a step, those of further prompts and those dropped included")
  func results() async throws {
    let training = try TrainingRun(prompts: 6, dropped: [0])
    let observer = RecordingObserver()
    try await training.run {
      $0.sampler = FixedSampler { attempt, count in attempt == 0 ? [2, 0] : [1, 4] }
      $0.stages = [RollStage(), YesStage(), BandStage(maxAttempts: 3), LearnStage()]
      ($0.steps, $0.epochs, $0.observer) = (1, nil, observer)
    }
    #expect(try training.groups() == [["p2", "p1"]])
    #expect(
      observer.warnings == [
        "0 sampler fixed seen: 0:[1.0, 0.0]:0:band:1 1:[1.0, 0.0]:0:kept:1 2:[1.0, 0.0]:0:kept:1 4:[1.0, 0.0]:0:surplus:1"
      ])
    #expect(try training.records("metrics.jsonl")[0]["fixed/seen"] == 4.0)
    #expect(try training.state()["training"]?["source"]?["prompts"] == 6)
  }

  @Test("groups get more until they are settled, and leave or stay as the policy says")
  func waves() async throws {
    let training = try TrainingRun(prompts: 6)
    let observer = RecordingObserver()
    try await training.run {
      $0.sampler = FixedSampler { _, _ in [0, 1, 2] }
      // Group p0 is dropped at once, p1 is admitted after three waves, p2 after two.
      let policy = FixedWaves(kept: [1]) { group, wave in
        switch group.id {
        case "p0": .drop(rule: "unlucky")
        case "p1": wave < 2 ? .more(1) : .admit
        default: wave < 1 ? .more(2) : .admit
        }
      }
      $0.stages = [try WaveStage(policy, n: 3), YesStage(), LearnStage()]
      ($0.groups, $0.steps, $0.epochs, $0.observer) = (3, 1, nil, observer)
    }
    let lineage = try training.records("lineage.jsonl").map { record in
      [record["id"]?.stringValue ?? "", record["rule"]?.stringValue ?? "kept", record["rollout_wave"]?.json ?? ""]
    }
    #expect(
      lineage == [
        ["p0/0", "wave-drop:unlucky", "0"], ["p1/0", "wave-surplus", "0"], ["p1/1", "kept", "1"],
        ["p1/2", "wave-surplus", "2"], ["p2/0", "wave-surplus", "0"], ["p2/1", "kept", "1"],
        ["p2/2", "wave-surplus", "1"],
      ])
    let metrics = try training.records("metrics.jsonl")[0]
    #expect(metrics["roll/waves"] == 3.0)
    #expect(metrics["roll/rollouts"] == 7.0)
    #expect(metrics["roll/admitted_groups"] == 2.0)
    #expect(metrics["roll/wave_dropped_groups"] == 1.0)
    #expect(metrics["roll/kept"] == 2.0)
    let kept = try training.records("selected.jsonl")
    #expect(kept.map { $0["seen"]?["count"] } == [3, 3])
    #expect(observer.warnings.first?.contains("0:[1.0]:0:wave-drop:unlucky:1 1:[1.0, 1.0, 1.0]:0:kept:3") == true)
  }

  /// Lets all but three groups wait after their first rollout.
  private static func waiting(_ group: WaveGroup, wave: Int) -> WaveDecision {
    if wave > 0 || group.id == "p5" { return .admit }
    return group.id == "p1" ? .drop(rule: "unlucky") : .later(1)
  }

  /// What became of each trajectory of a step: its id, its rule, its wave, and the step that it was made in if that was another.
  private func fates(_ lineage: [JSONValue], step: Int) -> [String] {
    lineage.filter { $0["step"]?.intValue == step }.map { entry in
      let words = [
        entry["id"]?.stringValue ?? "", entry["rule"]?.stringValue ?? "kept", entry["rollout_wave"]?.json,
        entry["origin"].map { "from \($0["step"]?.json ?? "") by \($0["policy_version"]?.json ?? "")" },
      ]
      return words.compactMap { $0 }.joined(separator: " ")
    }
  }

  @Test(
    "groups that wait get the rest with the next step's prompts, and go on first in, first out, after a kill as well")
  func waitingGroups() async throws {
    let training = try TrainingRun(prompts: 6)
    let observer = RecordingObserver()
    func change(_ learning: LearnStage, _ observer: RecordingObserver) -> (inout TrainingRun.Plan) throws -> Void {
      { plan in
        let policy = FixedWaves(kept: nil, waits: true) { Self.waiting($0, wave: $1) }
        plan.stages = [try WaveStage(policy, n: 2), YesStage(), learning]
        (plan.isShuffled, plan.epochs, plan.steps, plan.observer) = (false, nil, 4, observer)
      }
    }
    try await training.run("whole", .refuse, change(LearnStage(), observer))
    let lineage = try training.records("lineage.jsonl", in: "whole")
    #expect(fates(lineage, step: 0) == ["p0/0 wave-waiting 0", "p1/0 wave-drop:unlucky 0"])
    #expect(
      fates(lineage, step: 1) == [
        "p0/0 kept 0 from 0 by 0", "p0/1 kept 1", "p2/0 wave-waiting 0", "p3/0 wave-waiting 0",
      ])
    #expect(
      fates(lineage, step: 2) == [
        "p2/0 kept 0 from 1 by 1", "p2/1 kept 1", "p3/0 kept 0 from 1 by 1", "p3/1 kept 1", "p4/0 wave-waiting 0",
        "p5/0 wave-queued 0",
      ])
    // The complete one was first.
    #expect(
      fates(lineage, step: 3) == [
        "p5/0 kept 0 from 2 by 2", "p4/0 kept 0 from 2 by 2", "p4/1 kept 1", "p0/0 wave-waiting 0",
        "p1/0 wave-drop:unlucky 0",
      ])
    #expect(lineage.first { $0["step"] == 3 }?["seen"]?["count"] == 1)
    #expect(
      lineage.first { $0["step"] == 1 }?["origin"] == [
        "stage": "roll", "waves": "fixed", "step": 0, "id": "p0/0", "policy_version": 0,
      ])
    let metrics = try training.records("metrics.jsonl", in: "whole")
    func figures(_ name: String) -> [Double?] { metrics.map { $0["roll/" + name]?.doubleValue } }
    #expect(figures("kept") == [0, 2, 4, 3])
    #expect(figures("rollouts") == [2, 3, 4, 3])
    #expect(figures("waiting_groups") == [1, 2, 1, 1])
    #expect(figures("queued_groups") == [0, 0, 1, 0])
    #expect(figures("waited_rollouts") == [0, 1, 2, 2])
    #expect(figures("waited_steps_max") == [0, 1, 1, 1])
    #expect(figures("dropped/wave-waiting") == [1, 2, 1, 1])
    #expect(
      observer.warnings == [
        "0 roll no-complete-group: no group is complete, so that nothing goes on: 1 wait for the rest of their rollouts, which is "
          + "made in the next step",
        "3 roll groups-left: the run ends while 1 groups wait for the rest of their rollouts and 0 complete ones for their turn; "
          + "nothing was trained on them",
      ])
    let kept = try training.records("selected.jsonl", in: "whole")
    #expect(kept.map { $0["step"] } == [1, 1, 2, 2, 2, 2, 3, 3, 3])
    #expect(kept.map { $0["policy_version"] } == [0, 1, 1, 2, 1, 2, 2, 2, 3])
    for failing in 1...3 {
      let accident = LearnStage { step in if step == failing { throw PipelineError(.plugIn, "an accident") } }
      await #expect(throws: PipelineError.self) {
        try await training.run("part", .overwrite, change(accident, RecordingObserver()))
      }
      try await training.run("part", .resume, change(LearnStage(), RecordingObserver()))
      #expect(try training.files(of: "part") == training.files(of: "whole"), "after an accident in step \(failing)")
    }
  }

  @Test("a step that asks for more prompts completes what waits with them; a rollout is in it once")
  func waitingWithinAStep() async throws {
    let training = try TrainingRun(prompts: 6)
    try await training.run {
      let policy = FixedWaves(kept: nil, waits: true) { _, wave in wave > 0 ? .admit : .later(1) }
      $0.stages = [try WaveStage(policy, n: 2), YesStage(), BandStage(maxAttempts: 5), LearnStage()]
      ($0.isShuffled, $0.epochs, $0.steps) = (false, 1, 2)
    }
    let lineage = try training.records("lineage.jsonl")
    #expect(
      fates(lineage, step: 0).sorted() == [
        "p0/0 kept 0", "p0/1 kept 1", "p1/0 kept 0", "p1/1 kept 1", "p2/0 wave-waiting 0", "p3/0 wave-waiting 0",
      ])
    #expect(
      fates(lineage, step: 1) == [
        "p2/0 kept 0 from 0 by 0", "p2/1 kept 1", "p3/0 kept 0 from 0 by 0", "p3/1 kept 1", "p4/0 wave-waiting 0",
        "p5/0 wave-waiting 0",
      ])
    let metrics = try training.records("metrics.jsonl")
    #expect(metrics.map { $0["roll/kept"]?.doubleValue } == [4, 4])
    #expect(metrics.map { $0["roll/rollouts"]?.doubleValue } == [6, 4])
    #expect(metrics.map { $0["roll/dropped/wave-waiting"]?.doubleValue } == [2, 2])
    #expect(metrics.map { $0["band/attempts"]?.doubleValue } == [2, 1])
  }

  @Test("a group that has waited is not begun a second time in the step that it goes on in")
  func waitingComesOnce() async throws {
    let training = try TrainingRun(prompts: 4, dropped: [2])
    try await training.run {
      let policy = FixedWaves(kept: nil, waits: true) { _, wave in wave > 0 ? .admit : .later(1) }
      $0.stages = [try WaveStage(policy, n: 2), YesStage(), BandStage(maxAttempts: 5), LearnStage()]
      ($0.isShuffled, $0.epochs, $0.steps) = (false, nil, 2)
    }
    // The pool's next prompts would be p2, which has left, and p3, which is there.
    #expect(
      fates(try training.records("lineage.jsonl"), step: 1) == [
        "p2/0 band 0 from 0 by 0", "p2/1 band 1", "p3/0 kept 0 from 0 by 0", "p3/1 kept 1", "p0/0 kept 0",
        "p0/1 kept 1",
        "p1/0 wave-queued 0", "p1/1 wave-queued 1",
      ])
    #expect(try training.records("metrics.jsonl").map { $0["band/kept"]?.doubleValue } == [4, 4])
  }

  @Test("what waits is completed when there are no more prompts, and is not begun a second time")
  func waitingAtTheEnd() async throws {
    let training = try TrainingRun(prompts: 2)
    let observer = RecordingObserver()
    try await training.run("more") {
      let policy = FixedWaves(kept: nil, waits: true) { _, wave in wave > 0 ? .admit : .later(1) }
      $0.stages = [try WaveStage(policy, n: 2), YesStage(), BandStage(maxAttempts: 5), LearnStage()]
      ($0.isShuffled, $0.epochs, $0.observer) = (false, 1, observer)
    }
    #expect(
      fates(try training.records("lineage.jsonl", in: "more"), step: 0) == [
        "p0/0 kept 0", "p0/1 kept 1", "p1/0 kept 0", "p1/1 kept 1",
      ])
    #expect(observer.warnings == [])
    // A sampler has nothing else to choose; what it is told of a rollout it is told in the step that made it.
    let again = RecordingObserver()
    try await training.run("again") {
      let policy = FixedWaves(kept: nil, waits: true) { _, wave in wave > 0 ? .admit : .later(1) }
      $0.sampler = FixedSampler { _, _ in [0, 1] }
      $0.stages = [try WaveStage(policy, n: 2), YesStage(), LearnStage()]
      ($0.isShuffled, $0.epochs, $0.steps, $0.observer) = (false, nil, 2, again)
    }
    let lineage = try training.records("lineage.jsonl", in: "again")
    #expect(
      fates(lineage, step: 1) == [
        "p0/0 kept 0 from 0 by 0", "p0/1 kept 1", "p1/0 kept 0 from 0 by 0", "p1/1 kept 1", "p0 wave-ongoing",
        "p1 wave-ongoing",
      ])
    #expect(lineage.allSatisfy { $0["prompt_choice"]?["sampler"] == "fixed" })
    #expect(
      again.warnings.filter { $0.contains("sampler fixed seen") } == [
        "0 sampler fixed seen: 0:[1.0]:0:wave-waiting:1 1:[1.0]:0:wave-waiting:1",
        "1 sampler fixed seen: 0:[1.0]:0:kept:2 1:[1.0]:0:kept:2",
      ])
  }

  @Test("an admitted group gets its rollouts besides in a wave of their own, which the policy does not see")
  func besides() async throws {
    let training = try TrainingRun(prompts: 6)
    try await training.run {
      $0.sampler = FixedSampler { _, _ in [0, 1, 2] }
      let policy = FixedWaves(kept: [1]) { group, wave in
        switch group.id {
        case "p0": .drop(rule: "unlucky")
        case "p1": wave < 1 ? .more(1) : .admit
        default: wave < 2 ? .more(1) : .admit
        }
      }
      $0.stages = [try WaveStage(policy, n: 4, besides: 2), YesStage(), LearnStage()]
      ($0.groups, $0.steps, $0.epochs) = (3, 1, nil)
    }
    // Numbered on from the most that the waves may make, whatever they made.
    #expect(
      fates(try training.records("lineage.jsonl"), step: 0).map {
        String($0.prefix { $0 != " " }) + " " + $0.split(separator: " ")[1]
      } == [
        "p0/0 wave-drop:unlucky", "p1/0 wave-surplus", "p1/1 kept", "p1/4 kept", "p1/5 kept", "p2/0 wave-surplus",
        "p2/1 kept", "p2/2 wave-surplus", "p2/4 kept", "p2/5 kept",
      ])
    let metrics = try training.records("metrics.jsonl")[0]
    #expect(metrics["roll/rollouts"] == 10.0)
    #expect(metrics["roll/waves"] == 4.0)
    // What the policy saw are those of its waves.
    #expect(try training.records("selected.jsonl").map { $0["seen"]?["count"] } == [2, 2, 2, 3, 3, 3])
  }

  @Test("a wave policy that breaks its contract is named")
  func badDecisions() async throws {
    #expect(
      try await message(waves: FixedWaves { _, _ in .more(3) })
        .hasPrefix("the wave policy 'fixed' wants 3 more rollouts of 'p"))
    #expect(
      try await message(waves: FixedWaves { _, _ in .drop(rule: "secret") })
        == "the wave policy 'fixed' drops by the rule 'secret', which its 'about' does not describe")
    #expect(
      try await message(waves: FixedWaves { _, _ in .later(1) })
        .contains(" wait, though its 'waits' is false"))
    #expect(
      try await message(waves: FixedWaves(waits: true) { _, _ in .later(3) })
        .hasPrefix("the wave policy 'fixed' wants 3 more rollouts in the next pass of 'p"))
    #expect(
      try await message(waves: FixedWaves(kept: [7]) { _, _ in .admit })
        .hasPrefix("the wave policy 'fixed' keeps rollouts of 'p"))
  }
}

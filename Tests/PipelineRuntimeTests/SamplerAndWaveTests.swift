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

  func probe(_ pool: PromptPool, memory: SamplerMemory, in context: SamplerContext) -> PromptProbe? {
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
  init(_ policy: FixedWaves, n: Int) throws { waves = try StageWaves(policy, n: n) }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let outcomes = try await RolloutSampler(sampler: context.training.sampler, options: .init())
      .rollouts(of: batch.trajectories, in: context.wave)
    batch.expand(stage: context.stage) { index in
      guard case .rollouts(let rollouts, _) = outcomes[index] else { return .dropped(rule: "unusable") }
      return .rollouts(
        rollouts.map { rollout in
          var rollout = rollout
          rollout.set(.rolloutWave, to: .number(context.wave?.number ?? 0))
          return rollout
        })
    }
  }
}

private struct FixedWaves: WavePolicy {
  static let about = ComponentAbout(
    name: "fixed", summary: "Decides what it is told", rules: [DropRule("unlucky", because: "it was told so")])
  var decision: @Sendable (WaveGroup, _ wave: Int) -> WaveDecision
  var kept = [0]

  init(options: NoOptions, assembly: Assembly) { decision = { _, _ in .admit } }
  init(kept: [Int] = [0], _ decision: @escaping @Sendable (WaveGroup, Int) -> WaveDecision) {
    (self.kept, self.decision) = (kept, decision)
  }

  func plan(for n: Int) -> WavePlan { WavePlan(first: 1, most: n) }
  func decide(_ groups: [WaveGroup], in context: WaveContext) -> [WaveDecision] {
    groups.map { decision($0, context.wave) }
  }
  func keep(_ group: WaveGroup, in context: WaveContext) -> WaveKeep {
    WaveKeep(kept, seen: SeenStatistics(rewards: group.rewards.compactMap { $0 }, threshold: 0.5))
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

  @Test("a wave policy that breaks its contract is named")
  func badDecisions() async throws {
    #expect(
      try await message(waves: FixedWaves { _, _ in .more(3) })
        .hasPrefix("the wave policy 'fixed' wants 3 more rollouts of 'p"))
    #expect(
      try await message(waves: FixedWaves { _, _ in .drop(rule: "secret") })
        == "the wave policy 'fixed' drops by the rule 'secret', which its 'about' does not describe")
    #expect(
      try await message(waves: FixedWaves(kept: [7]) { _, _ in .admit })
        .hasPrefix("the wave policy 'fixed' keeps rollouts of 'p"))
  }
}

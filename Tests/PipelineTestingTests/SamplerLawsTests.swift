// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing

/// Breaks one law of samplers.
private struct FaultySampler: PromptSampler {
  enum Fault: CaseIterable {
    case twice, excluded, short, remembers, ordered, unfair, undeclared, large, probesTwice, probesInOrder,
      probesByChance
  }

  static let about = ComponentAbout(name: "faulty", summary: "Breaks a law")
  let bytesPerPrompt = 8
  var fault = Fault.twice

  init(options: NoOptions, assembly: Assembly) {}
  init(_ fault: Fault) { self.fault = fault }

  func choose(
    _ count: Int, excluding excluded: Set<Int>, from pool: PromptPool, memory: inout SamplerMemory,
    in context: SamplerContext
  ) -> [PromptChoice] {
    var walk = PoolWalk(pool, memory: memory)
    var indices = walk.next(count, excluding: fault == .excluded ? [] : excluded)
    if fault != .unfair { walk.save(to: &memory) }
    if fault == .twice, let first = indices.first { indices.append(first) }
    if fault == .short, indices.count > 1 { indices.removeLast() }
    if fault == .remembers { indices.shuffle() }
    return indices.map { PromptChoice($0) }
  }

  var probes: Bool { [.probesTwice, .probesInOrder, .probesByChance].contains(fault) }

  func probe(_ pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext) -> PromptProbe? {
    if !probes { return nil }
    if fault == .probesByChance { return PromptProbe([Int.random(in: 0..<pool.count)], rollouts: 2) }
    return PromptProbe(Array(0..<pool.count) + (fault == .probesTwice ? [0] : []), rollouts: 2)
  }

  func learn(
    from results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) { memory.set("last", Double(results.last?.index ?? 0)) }

  func observe(
    _ results: [GroupResult], of pool: PromptPool, memory: inout SamplerMemory, in context: SamplerContext
  ) {
    if fault == .ordered { memory.set("last", Double(results.last?.index ?? 0)) }
    if fault == .undeclared { context.report.metric("surprise", 1) }
    if fault == .large { for name in ["a", "b"] { memory[name, 0] = 1 } }
  }
}

/// Breaks one law of wave policies.
private struct FaultyWaves: WavePolicy {
  static let about = ComponentAbout(name: "faulty", summary: "Breaks a law")
  var decision = WaveDecision.admit
  var kept = [0]
  var followsNeighbour = false
  var waits = false

  init(options: NoOptions, assembly: Assembly) {}
  init(_ decision: WaveDecision, kept: [Int] = [0], followsNeighbour: Bool = false, waits: Bool = false) {
    (self.decision, self.kept, self.followsNeighbour, self.waits) = (decision, kept, followsNeighbour, waits)
  }

  func plan(for n: Int) -> WavePlan { WavePlan(first: 2, most: n) }
  func decide(_ groups: [WaveGroup], in context: WaveContext) -> [WaveDecision] {
    let wave = context.wave
    return groups.indices.map { followsNeighbour && $0 == 0 && wave == 0 ? .more(1) : wave > 3 ? .admit : decision }
  }
  func keep(_ group: WaveGroup, in context: WaveContext) -> WaveKeep { WaveKeep(kept) }
}

@Suite("Laws of samplers and waves", .timeLimit(.minutes(15)))
struct SamplerLawsTests {
  @Test(
    "name the law that a sampler breaks",
    arguments: [
      (FaultySampler.Fault.twice, "no prompt is chosen twice"), (.excluded, "none is chosen that is excluded"),
      (.short, "there are as many as asked for"), (.remembers, "what was saved gives the same choice again"),
      (.ordered, "the order of the groups does not matter"), (.unfair, "every prompt has its turn"),
      (.undeclared, "a stage declares its metrics"), (.large, "the memory is bounded"),
      (.probesTwice, "a probe is of different prompts in the pool"),
      (.probesInOrder, "the order of the groups does not matter"),
      (.probesByChance, "what was saved gives the same probe again"),
    ])
  private func sampler(_ fault: FaultySampler.Fault, _ law: String) async {
    let error = await #expect(throws: LawViolation.self) { try await SamplerLaws.check { FaultySampler(fault) } }
    #expect(error?.description.contains(law) == true, "\(error?.description ?? "")")
  }

  @Test("name the law that a wave policy breaks")
  func waves() async throws {
    let broken: [(FaultyWaves, String)] = [
      (FaultyWaves(.more(9)), "no group gets more than 'most'"),
      (FaultyWaves(.drop(rule: "secret")), "a policy declares the rules that it drops by"),
      (FaultyWaves(.admit, kept: [0, 0]), "what is kept are different rollouts of the group"),
      (FaultyWaves(.admit, followsNeighbour: true), "the order of the groups does not matter"),
      (FaultyWaves(.later(1)), "a policy that lets groups wait says so"),
      (FaultyWaves(.later(9), waits: true), "no group gets more than 'most'"),
      (FaultyWaves(.admit, waits: true), "a policy that says that groups wait lets some wait"),
    ]
    for (policy, law) in broken {
      let error = await #expect(throws: LawViolation.self) { try await WaveLaws.check(policy, n: 4) }
      #expect(error?.description.contains(law) == true, "\(error?.description ?? "")")
    }
    try await WaveLaws.check(FaultyWaves(.admit), n: 4)
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import ReplayPlugin
import StoresPlugin
import Testing

@Suite("replay: stored trajectories in a batch", .timeLimit(.minutes(15)))
struct ReplayStageTests {
  static let names = ["ssr", "arpo", "repo"]

  private static func assembly() throws -> Assembly {
    var registry = Registry()
    try registry.register(SSRStore.self)
    try registry.register(ARPOStore.self)
    try registry.register(RePOStore.self)
    return Assembly(registry: registry, reader: PlainReader())
  }

  /// Options of the defaults alone.
  private struct PlainReader: OptionsReader {
    func read<Options: ComponentOptions>(_ type: Options.Type, from tree: OptionTree) throws -> Options { Options() }
  }

  private static func stage(_ name: String, _ change: (inout ReplayStage.Options) -> Void = { _ in }) throws
    -> ReplayStage
  {
    var options = ReplayStage.Options()
    options.store = ComponentReference(name)
    change(&options)
    return try ReplayStage(options: options, assembly: assembly())
  }

  /// Steps in which prompts fail, succeed, and succeed in part.
  private static func batches(_ count: Int) -> [TrajectoryBatch] {
    (0..<count).map { step in
      TrajectoryBatch.sample(
        rewards: (0..<3).map { group in
          (0..<8).map { number in (group + step) % 3 == 0 ? 0 : Double((number * (group + 1) + step) % 4) / 3 }
        }, number: step
      ) { trajectory in
        trajectory.advantage = trajectory.reward.map { $0 - 0.5 }
        trajectory.set(.policyVersion, to: .number(step))
      }
    }
  }

  @Test("it obeys the laws of stages, and its options those of options", arguments: names)
  func laws(name: String) async throws {
    try await StageLaws.check(try Self.stage(name))
    try OptionsLaws.check(ReplayStage.Options.self)
  }

  @Test("stopped at any item of any batch, it goes on as if nothing had been", arguments: names)
  func resumes(name: String) async throws {
    try await StageLaws.resumes(on: Self.batches(6)) { try Self.stage(name) { $0.maxAge = 3 } }
  }

  /// Runs a stage over batches with one memory and one archive.
  private func run(_ stage: ReplayStage, _ batches: [TrajectoryBatch]) async throws -> [(TrajectoryBatch, StageReport)]
  {
    let (memory, archive) = (StageMemory(), MemoryArchive())
    var results: [(TrajectoryBatch, StageReport)] = []
    for batch in batches {
      var copy = batch
      let report = StageReport()
      try await stage.run(
        &copy,
        in: StageContext(
          stage: "replay", step: batch.number, seed: 17, report: report, training: TrainingContext(memory: memory),
          archive: archive))
      results.append((copy, report))
    }
    return results
  }

  @Test("what comes in says where it is from, is what was stored, and nothing else is made", arguments: names)
  func origins(name: String) async throws {
    let batches = Self.batches(8)
    var met = 0
    for (step, (batch, _)) in try await run(try Self.stage(name) { $0.weight = 0.5 }, batches).enumerated() {
      for trajectory in batch.trajectories {
        guard trajectory.isReplayed else {
          #expect(batches[step].trajectories.contains { $0.id == trajectory.id })
          continue
        }
        met += 1
        let origin = try #require(try trajectory.value(of: .origin))
        let (id, from) = (try #require(origin["id"]?.stringValue), try #require(origin["step"]?.intValue))
        #expect(from < step)
        #expect(trajectory.id == "\(id)@r\(from)")
        #expect(trajectory.step == step)
        #expect(trajectory.lossWeight == 0.5)
        #expect(origin["policy_version"]?.intValue == from)
        #expect(origin["age"]?.intValue == step - from)
        let first = try #require(batches[from].trajectories.first { $0.id == id })
        #expect(trajectory.reward == first.reward)
        #expect(try trajectory.value(of: .tokens) == first.value(of: .tokens))
        #expect(try trajectory.value(of: Field("note")) == first.value(of: Field("note")))
      }
      let all = batch.trajectories.filter { !$0.isReplayed }.map(\.id) + batch.drops.map(\.trajectory.id)
      #expect(all.sorted() == batches[step].trajectories.map(\.id).sorted())
    }
    #expect(met > 0)
  }

  @Test("a replaced rollout leaves by its rule, and the stored one stands in its place")
  func replaced() async throws {
    let success = TrajectoryBatch.sample(rewards: [[0, 1, 0, 0]], number: 0)
    let failure = TrajectoryBatch.sample(rewards: [[0, 0, 0, 0], [0, 0]], number: 1)
    let (batch, report) = try await run(try Self.stage("arpo"), [success, failure])[1]
    #expect(batch.trajectories.map(\.id) == ["g0/1@r0", "g0/1", "g0/2", "g0/3", "g1/0", "g1/1"])
    #expect(batch.drops.map { "\($0.trajectory.id) \($0.rule)" } == ["g0/0 replaced"])
    func metric(_ name: String) -> Double? { report.metrics.first { $0.name == name }?.value }
    #expect(metric("replayed") == 1)
    #expect(metric("share") == 1 / 6.0)
    #expect(metric("age_mean") == 1)
    #expect(metric("age_max") == 1)
    #expect(metric("admitted") == 0)
    #expect(metric("stored") == 1)
    #expect(metric("store/failed_groups") == 2)
    #expect(metric("store/without_success") == 1)
  }

  @Test("what was stored for longer than max_age leaves before the draw")
  func age() async throws {
    let success = TrajectoryBatch.sample(rewards: [[0, 1]], number: 0)
    let failures = (1...4).map { TrajectoryBatch.sample(rewards: [[0, 0]], number: $0) }
    let results = try await run(try Self.stage("arpo") { $0.maxAge = 2 }, [success] + failures)
    #expect(results.map { $0.0.trajectories.count { $0.isReplayed } } == [0, 1, 1, 0, 0])
    #expect(results.map { $0.1.metrics.first { $0.name == "evicted" }?.value } == [0, 0, 0, 1, 0])
  }

  @Test("with no advantage other than 0 nothing is drawn, and it is said")
  func nothingEffective() async throws {
    let flat = TrajectoryBatch.sample(rewards: [[1, 1]], number: 0) { $0.advantage = 0 }
    let (batch, report) = try await run(try Self.stage("ssr"), [flat])[0]
    #expect(batch.isEmpty)
    #expect(batch.drops.allSatisfy { $0.rule == "not-drawn" })
    #expect(report.warnings.map(\.code) == ["nothing-effective"])
  }

  @Test("an insertion without an origin, or under an id that is there, is refused")
  func insertion() throws {
    var batch = TrajectoryBatch.sample(rewards: [[0, 1]])
    let stored = batch[0]
    #expect(throws: PipelineError.self) { try batch.insert(replayed: [(stored, nil)]) }
    #expect(throws: PipelineError.self) {
      try batch.insert(replayed: [(stored.replayed(as: "x", step: 1, origin: ["id": "x"]), nil)])
    }
    let origin: JSONValue = ["id": "g0/0", "step": 0]
    #expect(throws: PipelineError.self) {
      try batch.insert(replayed: [(stored.replayed(as: "g0/1", step: 1, origin: origin), nil)])
    }
    batch.drop(stage: "s") { $0 == 1 ? "r" : nil }
    try batch.insert(replayed: [
      (stored.replayed(as: "end", step: 1, origin: origin), nil),
      (stored.replayed(as: "first", step: 1, origin: origin), 0),
    ])
    #expect(batch.trajectories.map(\.id) == ["g0/0", "first", "end"])
    #expect(batch.inputPositions == [0, 1, 3])
    #expect(batch.drops.map(\.inputPosition) == [2])
    #expect(batch.inputCount == 4)
    #expect(batch.expansion == 2)
  }
}

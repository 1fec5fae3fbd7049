// SPDX-License-Identifier: Apache-2.0
import PairwiseSamplePlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("PairwiseSampleStage", .timeLimit(.minutes(15)))
struct PairwiseSampleStageTests {
  private func stage(
    keep: Double = 0.5, _ strategy: PairwiseSampleStage.Strategy = .maxMin,
    zeroVariance: PairwiseSampleStage.ZeroVariance = .keep, nothingKept: PairwiseSampleStage.NothingKept = .refuse
  ) -> PairwiseSampleStage {
    var options = PairwiseSampleStage.Options()
    options.keep = keep
    options.strategy = strategy
    options.zeroVariance = zeroVariance
    options.nothingKept = nothingKept
    return PairwiseSampleStage(options: options, assembly: .plain())
  }

  private let context = StageContext(stage: "pairwise-sample", step: 3, seed: 7)

  /// A batch whose advantages are given, group by group.
  private func batch(_ advantages: [[Double?]]) -> TrajectoryBatch {
    .sample(rewards: advantages) { $0.advantage = $0.reward }
  }

  private func drops(_ batch: TrajectoryBatch) -> [String] {
    batch.drops.map { "\($0.trajectory.id) \($0.rule)" }
  }

  private func metric(_ name: String) -> Double? {
    context.report.metrics.first { $0.name == name }?.value
  }

  @Test("best goes with worst, and the inner pairs leave")
  func example() async throws {
    var batch = batch([[0.1, 2, -1, 0.3]])
    try await stage().run(&batch, in: context)
    #expect(
      batch.trajectories.map(\.pair) == [
        Pair(rank: 0, side: .high, weight: 3, partner: "g0/2"),
        Pair(rank: 0, side: .low, weight: 3, partner: "g0/1"),
      ])
    #expect(batch.trajectories.map(\.advantage) == [2, -1])
    #expect(drops(batch) == ["g0/0 inner-pair", "g0/3 inner-pair"])
    #expect(metric("pairs") == 1)
  }

  @Test("an odd group leaves its median unpaired")
  func oddGroup() async throws {
    var batch = batch([[1, 2, 3, 4, 5]])
    try await stage(keep: 1).run(&batch, in: context)
    #expect(batch.trajectories.map { $0.pair?.partner } == ["g0/4", "g0/3", "g0/1", "g0/0"])
    #expect(batch.trajectories.map { $0.pair?.rank } == [0, 1, 1, 0])
    #expect(drops(batch) == ["g0/2 unpaired-median"])
  }

  @Test("ties keep input order")
  func ties() async throws {
    var batch = batch([[0, 0, 0, 0]])
    try await stage(keep: 1).run(&batch, in: context)
    #expect(batch.trajectories.map { $0.pair?.partner } == ["g0/3", "g0/2", "g0/1", "g0/0"])
    #expect(batch.trajectories.map { $0.pair?.side } == [.high, .high, .low, .low])
    #expect(batch.trajectories.allSatisfy { $0.pair?.weight == 0 })
    #expect(metric("zero_variance_groups") == 1)
  }

  @Test("rank order stands even where |A| + |A| is larger further in")
  func rankOrder() async throws {
    var batch = batch([[5, 4, 4, 1]])
    try await stage().run(&batch, in: context)
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/3"])
    #expect(batch.trajectories.first?.pair?.weight == 6)
  }

  @Test("of 16 rollouts with binary rewards, four right and four wrong are kept", arguments: 4...12)
  func binary(right: Int) async throws {
    var batch = batch([(0..<16).map { ($0 * 5) % 16 < right ? 1 : -1 }])
    try await stage().run(&batch, in: context)
    #expect(batch.trajectories.count { $0.advantage == 1 } == 4)
    #expect(batch.trajectories.count { $0.advantage == -1 } == 4)
  }

  @Test("groups too small for a pair leave, are counted and warned about")
  func tooSmall() async throws {
    var batch = batch([[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]])
    try await stage().run(&batch, in: context)
    #expect(batch.trajectories.map(\.id) == ["g3/0", "g3/3"])
    #expect(batch.drops.count { $0.rule == "group-too-small" } == 6)
    #expect(metric("small_groups") == 3)
    #expect(
      context.report.warnings.map(\.message) == [
        "3 of 4 groups leave since keep = 0.5 keeps no pair of them (1 of size 1, 1 of size 2, 1 of size 3)"
      ])
  }

  @Test("where every group is too small, the error names keep and the sizes")
  func allTooSmall() async throws {
    var batch = batch([[1], [1, 2], [3, 4]])
    let error = await #expect(throws: PipelineError.self) { try await stage().run(&batch, in: context) }
    #expect(
      error?.message
        == "keep = 0.5 keeps no pair of any group (1 of size 1, 2 of size 2); raise keep, or sample more rollouts "
        + "for each query")
  }

  @Test("where every group is too small, that can be a warning, for a part of a larger batch")
  func nothingKept() async throws {
    var batch = batch([[1], [1, 2], [3, 4]])
    try await stage(nothingKept: .warn).run(&batch, in: context)
    #expect(batch.isEmpty && batch.drops.count { $0.rule == "group-too-small" } == 5)
    #expect(
      context.report.warnings.map(\.message) == [
        "3 of 3 groups leave since keep = 0.5 keeps no pair of them (1 of size 1, 2 of size 2)"
      ])
  }

  @Test("a trajectory without an advantage leaves and does not count")
  func noAdvantage() async throws {
    var batch = batch([[1, nil, 2, 3, 4], [nil]])
    try await stage().run(&batch, in: context)
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/4"])
    #expect(
      drops(batch) == ["g0/1 no-advantage", "g0/2 inner-pair", "g0/3 inner-pair", "g1/0 no-advantage"])
  }

  @Test("zero-variance groups can be dropped")
  func zeroVariance() async throws {
    var batch = batch([[0, 0, 0, 0], [1, 0, 0, 0]])
    try await stage(zeroVariance: .drop).run(&batch, in: context)
    #expect(batch.trajectories.map(\.id) == ["g1/0", "g1/3"])
    #expect(batch.drops.count { $0.rule == "zero-variance" } == 4)
    #expect(metric("zero_variance_groups") == 1)
  }

  @Test(
    "the other strategies keep as many, without pairs",
    arguments: [
      (PairwiseSampleStage.Strategy.top, ["g0/1", "g0/5"]), (.bottom, ["g0/2", "g0/4"]),
      (.largestMagnitude, ["g0/1", "g0/4"]),
      // Philox(key=[7, fnv1a(b"pairwise-sample")], counter=[0, 3, fnv1a(b"g0"), 0]): members 4 and 5 draw the
      // smallest numbers.
      (.random, ["g0/4", "g0/5"]),
    ])
  func strategies(strategy: PairwiseSampleStage.Strategy, kept: [String]) async throws {
    var batch = batch([[0.1, 2, -1, 0.3, -3, 0.4]])
    batch[1].pair = Pair(rank: 0, side: .high, weight: 1, partner: "stale")
    try await stage(strategy).run(&batch, in: context)
    #expect(batch.trajectories.map(\.id) == kept)
    #expect(batch.trajectories.allSatisfy { $0.pair == nil })
    #expect(Set(batch.drops.map(\.rule)) == ["not-selected"])
  }

  private func stage(_ strategy: PairwiseSampleStage.Strategy) -> PairwiseSampleStage {
    stage(keep: 0.5, strategy)
  }

  @Test("pairs are disjoint, mutual and of the number the share says")
  func laws() async throws {
    for batch in SampleBatches.exhaustive(carrying: [.advantage]) {
      for keep in [0.01, 0.25, 0.5, 0.75, 1] {
        var sampled = batch
        do {
          try await stage(keep: keep).run(&sampled, in: StageContext(stage: "pairwise-sample"))
        } catch { continue }
        let byID = Dictionary(uniqueKeysWithValues: sampled.trajectories.map { ($0.id, $0) })
        for trajectory in sampled.trajectories {
          let pair = try #require(trajectory.pair)
          let partner = try #require(byID[pair.partner])
          #expect(partner.pair?.partner == trajectory.id && partner.pair?.rank == pair.rank)
          #expect(partner.pair?.side != pair.side && partner.group == trajectory.group)
        }
        var scored: [String: Int] = [:]
        for trajectory in batch.trajectories where trajectory.advantage != nil {
          scored[trajectory.group, default: 0] += 1
        }
        for (group, count) in scored {
          let kept = sampled.trajectories.count { $0.group == group }
          #expect(kept == 2 * Int(keep * Double(count / 2) + 1e-9))
        }
      }
    }
    for strategy in PairwiseSampleStage.Strategy.allCases {
      try await StageLaws.check(stage(strategy), refusals: .allowed)
      try await StageLaws.check(stage(keep: 1, strategy, zeroVariance: .drop), refusals: .allowed)
    }
    try OptionsLaws.check(PairwiseSampleStage.Options.self)
  }

  @Test("keep lies above 0 and up to 1", arguments: [0, -0.5, 1.5, .nan])
  func keepRange(keep: Double) {
    var options = PairwiseSampleStage.Options()
    options.keep = keep
    #expect(options.problems() == [OptionProblem("keep", "is \(keep), it must lie above 0 and up to 1")])
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SubsetPlugin
import Testing

@Suite("SubsetStage", .timeLimit(.minutes(15)))
struct SubsetStageTests {
  private func stage(_ change: (inout SubsetStage.Options) -> Void = { _ in }) -> SubsetStage {
    var options = SubsetStage.Options()
    change(&options)
    return SubsetStage(options: options, assembly: .plain())
  }

  private func run(
    _ batch: inout TrajectoryBatch, _ change: (inout SubsetStage.Options) -> Void = { _ in }
  ) async throws -> StageReport {
    let context = StageContext(stage: "subset")
    try await stage(change).run(&batch, in: context)
    return context.report
  }

  private func metric(_ name: String, _ report: StageReport) -> Double? {
    report.metrics.first { $0.name == name }?.value
  }

  @Test("max-variance keeps half of each group, right and wrong ones alike where there are enough")
  func maxVariance() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[0, 0, 1, 0, 1, 1, 0, 0], [1, 0, 0, 0], [nil, 0, 1, nil]])
    let report = try await run(&batch)
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g0/2", "g0/4", "g1/0", "g1/1", "g2/2"])
    #expect(Set(batch.drops.map(\.rule)) == ["less-variance", "no-reward"])
    #expect(metric("kept", report) == 7)
    #expect(metric("candidates", report) == 14)
    // Of g2 one is kept, whose variance is 0; 0.25 of 0.234375, and 0.25 of 0.1875.
    #expect(abs((metric("variance_gain", report) ?? 0) - (0.25 / 0.234375 + 0.25 / 0.1875) / 3) < 1e-12)
  }

  @Test(
    "half of an odd group is rounded to the even number, and never to nothing",
    arguments: [(1, 1), (3, 2), (5, 2), (7, 4)])
  func halves(size: Int, kept: Int) async throws {
    var batch = TrajectoryBatch.sample(rewards: [(0..<size).map { Double($0) }])
    _ = try await run(&batch)
    #expect(batch.count == kept)
  }

  @Test("a group whose rewards are all equal is treated like any other, or dropped")
  func zeroVariance() async throws {
    let input = TrajectoryBatch.sample(rewards: [[1, 1, 1, 1], [0, 1, 1, 1]])
    var batch = input
    _ = try await run(&batch)
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g1/0", "g1/1"])
    batch = input
    let report = try await run(&batch) { $0.zeroVariance = .drop }
    #expect(batch.trajectories.map(\.id) == ["g1/0", "g1/1"])
    #expect(batch.drops.filter { $0.rule == "zero-variance" }.count == 4)
    #expect(metric("groups_without_any", report) == 1)
  }

  @Test("by |advantage| the whole batch is compared, and a share of a half is rounded down")
  func magnitude() async throws {
    let input = TrajectoryBatch.sample(rewards: [[3, -1, 0, 0], [-2, 0.5, nil]]) { $0.advantage = $0.reward }
    var batch = input
    let report = try await run(&batch) { $0.strategy = .largestMagnitude }
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g1/0"])
    #expect(Set(batch.drops.map(\.rule)) == ["smaller-magnitude", "no-advantage"])
    #expect(metric("kept_without_advantage", report) == 0)
    batch = input
    _ = try await run(&batch) {
      $0.strategy = .largestMagnitude
      $0.scope = .group
    }
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g1/0"])
    batch = input
    _ = try await run(&batch) {
      $0.strategy = .smallestMagnitude
      $0.count = 3
    }
    #expect(batch.trajectories.map(\.id) == ["g0/2", "g0/3", "g1/1"])
  }

  @Test("rollouts without advantage are kept where there are too few others, and counted")
  func fillers() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0, 0, 0], [0, 0, 0, 0]]) { $0.advantage = $0.reward }
    let report = try await run(&batch) { $0.strategy = .largestMagnitude }
    #expect(batch.count == 4)
    #expect(metric("kept_without_advantage", report) == 3)
  }

  @Test("ten rollouts of which a tenth is kept: one, though 1 − 0.9 is less than 0.1 in floating point")
  func floatingPoint() async throws {
    var batch = TrajectoryBatch.sample(rewards: [(1...10).map { Double($0) }]) { $0.advantage = $0.reward }
    _ = try await run(&batch) {
      $0.strategy = .largestMagnitude
      $0.keep = 1 - 0.9
    }
    #expect(batch.trajectories.map(\.id) == ["g0/9"])
  }

  @Test("shortest keeps eight of a group, and equal lengths in the order of the input")
  func shortest() async throws {
    // 1, 2, 3, 4, 1, 2, … tokens.
    var batch = TrajectoryBatch.sample(rewards: [(0..<10).map { Double($0) }, [1, 0]])
    _ = try await run(&batch) { $0.strategy = .shortest }
    #expect(batch.drops.map(\.trajectory.id) == ["g0/3", "g0/7"])
    #expect(batch.drops.map(\.rule) == ["longer", "longer"])
  }

  @Test("reward for each token: of equals the shorter, then the earlier one")
  func rewardPerToken() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[0, 0, 3, 0, 0]])
    _ = try await run(&batch) {
      $0.strategy = .rewardPerToken
      $0.count = 3
    }
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/2", "g0/4"])
  }

  @Test("of a session with several outputs the last one is compared, and the others go with it")
  func sessions() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 1, 0, 0]]) { trajectory in
      let number = trajectory.id.hasSuffix("0") || trajectory.id.hasSuffix("1") ? "a" : trajectory.id
      let output = trajectory.id.hasSuffix("1") ? 1 : 0
      trajectory.set(.session, to: ["id": .string(number), "output": .number(output)])
    }
    _ = try await run(&batch) { $0.count = 2 }
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g0/2"])
  }

  @Test("obeys the laws of stages", arguments: SubsetStage.Strategy.allCases)
  func laws(strategy: SubsetStage.Strategy) async throws {
    for scope in SubsetStage.Scope.allCases where !(strategy == .maxVariance && scope == .batch) {
      for count in [0, 1, 3] {
        let stage = stage {
          $0.strategy = strategy
          $0.scope = scope
          $0.count = count
        }
        // Equal values are decided by the ids, which do not change with the order.
        try await StageLaws.check(stage)
      }
    }
  }

  @Test("options that contradict one another are refused")
  func problems() throws {
    func problems(_ change: (inout SubsetStage.Options) -> Void) -> [String] {
      var options = SubsetStage.Options()
      change(&options)
      return options.problems().map { "\($0.path) \($0.message)" }
    }
    #expect(problems { $0.keep = 1.5 } == ["keep is 1.5, it must lie in 0…1"])
    #expect(problems { $0.count = -1 } == ["count is -1, it must not be negative"])
    #expect(
      problems {
        $0.keep = 0.5
        $0.count = 2
      } == ["count is 2, but 'keep' is 0.5; state one of them"])
    #expect(
      problems { $0.scope = .batch } == [
        "scope is 'batch', but rewards of different prompts have no variance to compare; use 'group'"
      ])
    #expect(
      problems {
        $0.strategy = .shortest
        $0.zeroVariance = .drop
      } == [
        "zero_variance is 'drop', which only the strategy max-variance knows; put a stage 'filter' with the rule "
          + "'zero-variance' before this one"
      ])
    try OptionsLaws.check(SubsetStage.Options.self)
  }

  @Test("what it reads depends on the strategy, so that a wrong order of stages is found")
  func reads() {
    #expect(stage().reads == [.reward])
    #expect(stage { $0.strategy = .largestMagnitude }.reads == [.advantage])
    #expect(stage { $0.strategy = .shortest }.reads == [.tokens])
    #expect(stage { $0.strategy = .rewardPerToken }.reads == [.reward, .tokens])
  }
}

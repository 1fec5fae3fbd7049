// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import EstimatorsPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("AdvantageStage", .timeLimit(.minutes(15)))
struct AdvantageStageTests {
  /// Runs the stage with an estimator and returns each kept trajectory's advantage, in order.
  private func run(
    _ estimator: any AdvantageEstimator, _ batch: inout TrajectoryBatch,
    _ context: StageContext = StageContext(stage: "advantage")
  ) async throws -> [Double?] {
    try await AdvantageStage(estimator: estimator).run(&batch, in: context)
    return batch.trajectories.map(\.advantage)
  }

  private var grpo: GRPOEstimator { GRPOEstimator(assembly: .plain()) }

  private func drops(_ batch: TrajectoryBatch) -> [String] {
    batch.drops.map { "\($0.trajectory.id) \($0.rule)" }
  }

  @Test("GRPO's advantage is the distance from the mean in standard deviations with n − 1")
  func grpoExample() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0, 0, 0]])
    let advantages = try await run(grpo, &batch).compactMap { $0 }
    let expected = [1.499997, -0.499999, -0.499999, -0.499999]
    #expect(zip(advantages, expected).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("a group whose rewards are all equal has advantage exactly 0", arguments: [0.1, 0.9, 0.7, 1e17])
  func allEqual(reward: Double) async throws {
    let estimators: [any AdvantageEstimator] = [
      grpo, DrGRPOEstimator(assembly: .plain()), RLOOEstimator(assembly: .plain()),
      GRPOPassKEstimator(assembly: .plain()), ReinforcePlusPlusEstimator(assembly: .plain()),
    ]
    for estimator in estimators {
      for size in [1, 2, 3, 7, 16] {
        var batch = TrajectoryBatch.sample(rewards: [Array(repeating: reward, count: size)])
        #expect(try await run(estimator, &batch) == Array(repeating: 0, count: size))
      }
    }
  }

  @Test("a rollout without a reward takes no part and leaves")
  func missingReward() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, nil, 0]])
    let context = StageContext(stage: "advantage")
    let advantages = try await run(grpo, &batch, context)
    let expected = 0.5 / (0.5.squareRoot() + 1e-6)
    #expect(advantages == [expected, -expected])
    #expect(drops(batch) == ["g0/1 no-reward"])
    #expect(context.report.metrics.contains { $0.name == "unscored" && $0.value == 1 })
  }

  @Test("a group left with one scored rollout leaves; a group of one stays with advantage 0")
  func tooFewScored() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, nil], [1], [nil], [nil, nil]])
    let context = StageContext(stage: "advantage")
    #expect(try await run(grpo, &batch, context) == [0])
    #expect(
      drops(batch) == [
        "g0/0 too-few-scored", "g0/1 no-reward", "g2/0 no-reward", "g3/0 no-reward", "g3/1 no-reward",
      ])
    #expect(batch.trajectories.map(\.id) == ["g1/0"])
    #expect(
      context.report.warnings.map(\.message) == [
        "1 trajectory leaves since it is the only one of its group with a reward; 'grpo' compares "
          + "rollouts with one another"
      ])
  }

  @Test("rollouts that an earlier stage dropped count towards the size of their group")
  func droppedEarlier() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0]])
    batch.drop(stage: "filter") { $0 == 1 ? "overlong" : nil }
    #expect(try await run(grpo, &batch).isEmpty)
    #expect(drops(batch) == ["g0/1 overlong", "g0/0 too-few-scored"])
  }

  @Test("estimators that do not compare keep a single scored rollout")
  func noPartnerNeeded() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, nil]]) { $0.baseline = 0.25 }
    #expect(try await run(ReMaxEstimator(assembly: .plain()), &batch) == [0.75])
    var other = TrajectoryBatch.sample(rewards: [[1, nil], [0]])
    #expect(try await run(ReinforcePlusPlusEstimator(assembly: .plain()), &other).count == 2)
  }

  @Test("a rollout without a baseline leaves and is warned about")
  func noBaseline() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0]]) { if $0.id == "g0/0" { $0.baseline = 1 } }
    let context = StageContext(stage: "advantage")
    #expect(try await run(ReMaxEstimator(assembly: .plain()), &batch, context) == [0])
    #expect(drops(batch) == ["g0/1 no-baseline"])
    #expect(
      context.report.warnings.map(\.message) == [
        "1 trajectory leaves since it has no 'baseline', the first is 'g0/1'"
      ])
  }

  @Test("values per token are kept beside their mean, and a later uniform advantage removes them")
  func perToken() async throws {
    var options = ReinforcePlusPlusEstimator.Options()
    options.gamma = 0.5
    let estimator = ReinforcePlusPlusEstimator(options: options, assembly: .plain())
    var batch = TrajectoryBatch.sample(rewards: [[1, 0, 1]])
    _ = try await run(estimator, &batch)
    // Returns: [1], [0, 0], [0.25, 0.5, 1]; mean 2.75/6, variance 1.0520833/5.
    let values = try #require(batch[2].advantages)
    #expect(values.count == 3)
    #expect(abs(values[0] - (0.25 - 2.75 / 6) / (1.0520833333 / 5 + 1e-8).squareRoot()) < 1e-6)
    #expect(batch[2].advantage == values.reduce(0, +) / 3)
    _ = try await run(grpo, &batch)
    #expect(batch.trajectories.allSatisfy { $0.advantages == nil && $0.advantage != nil })
  }

  @Test("a response without tokens has advantage 0 and no values")
  func emptyResponse() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0]]) { if $0.id == "g0/0" { $0.set(.tokens, to: []) } }
    #expect(try await run(ReinforcePlusPlusEstimator(assembly: .plain()), &batch)[0] == 0)
    #expect(batch[0].advantages == [])
  }

  @Test("metrics count collapsed advantages and groups that are all right or all wrong")
  func metrics() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 1], [0.1, 0.1], [1, 0], [1]])
    let context = StageContext(stage: "advantage")
    _ = try await run(grpo, &batch, context)
    let metrics = Dictionary(uniqueKeysWithValues: context.report.metrics.map { ($0.name, $0.value) })
    #expect(metrics["groups"] == 4)
    #expect(metrics["zero_variance_groups"] == 2)
    #expect(metrics["all_right_groups"] == 1)
    #expect(metrics["all_wrong_groups"] == 1)
    #expect(metrics["critic/advantages/mean"] == 0)
  }

  @Test("an estimator that breaks its contract is named")
  func brokenEstimator() async throws {
    struct Broken: AdvantageEstimator {
      static let about = ComponentAbout(name: "broken", summary: "Returns nothing")
      let comparesWithinGroup = false
      init(options: NoOptions, assembly: Assembly) {}
      func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] { [[.uniform(.nan)]] }
    }
    let broken = Broken(options: NoOptions(), assembly: .plain())
    for (rewards, message) in [
      ([[1.0]], "the advantage estimator 'broken' gave g0/0 the advantage nan"),
      ([[1.0, 0]], "the advantage estimator 'broken' returned 1 advantages for the 2 rollouts of a group"),
      ([[1.0], [0]], "the advantage estimator 'broken' returned 1 groups for 2"),
    ] {
      var batch = TrajectoryBatch.sample(rewards: rewards)
      let error = await #expect(throws: PipelineError.self) {
        try await AdvantageStage(estimator: broken).run(&batch, in: StageContext(stage: "advantage"))
      }
      #expect(error?.message == message)
    }
  }

  @Test("the estimator is made by name, with its options")
  func assembles() throws {
    var registry = Registry()
    try registry.register(GRPOEstimator.self)
    try registry.register(ReinforcePlusPlusEstimator.self)
    var options = AdvantageStage.Options()
    #expect(try AdvantageStage(options: options, assembly: .plain(registry)).reads == [.reward])
    options.estimator = ComponentReference("reinforce-plus-plus")
    let stage = try AdvantageStage(options: options, assembly: .plain(registry))
    #expect(stage.reads == [.reward, .tokens])
    #expect(stage.writes == [.advantage, .advantages])
    options.estimator = ComponentReference("grp")
    let error = #expect(throws: PipelineError.self) {
      try AdvantageStage(options: options, assembly: .plain(registry))
    }
    #expect(error?.message.hasPrefix("unknown advantage 'grp'; did you mean 'grpo'?") == true)
  }

  @Test("the stage obeys the laws with every estimator")
  func laws() async throws {
    let estimators: [any AdvantageEstimator] = [
      grpo, DrGRPOEstimator(assembly: .plain()), RLOOEstimator(assembly: .plain()),
      GRPOPassKEstimator(assembly: .plain()), ReMaxEstimator(assembly: .plain()),
      ReinforcePlusPlusEstimator(assembly: .plain()),
    ]
    for estimator in estimators { try await StageLaws.check(AdvantageStage(estimator: estimator)) }
    try OptionsLaws.check(AdvantageStage.Options.self)
    try OptionsLaws.check(ReinforcePlusPlusEstimator.Options.self)
  }

  @Test("gamma lies between 0 and 1")
  func gammaRange() {
    var options = ReinforcePlusPlusEstimator.Options()
    options.gamma = 1.5
    #expect(options.problems() == [OptionProblem("gamma", "is 1.5, it must lie in 0.0…1.0")])
  }
}

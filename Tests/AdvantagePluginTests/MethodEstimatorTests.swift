// SPDX-License-Identifier: Apache-2.0
import AdvantagePlugin
import EstimatorsPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("max-rl, reinforce, opo, adora and rl-zvp in the stage", .timeLimit(.minutes(15)))
struct MethodEstimatorTests {
  private static let estimators: [any AdvantageEstimator] = [
    MaxRLEstimator(assembly: .plain()), ReinforceEstimator(assembly: .plain()), OPOEstimator(assembly: .plain()),
    ADORAEstimator(inner: GRPOEstimator(assembly: .plain())), RLZVPEstimator(assembly: .plain()),
  ]

  private func run(
    _ estimator: any AdvantageEstimator, _ batch: inout TrajectoryBatch
  ) async throws -> StageReport {
    let context = StageContext(stage: "advantage")
    try await AdvantageStage(estimator: estimator).run(&batch, in: context)
    return context.report
  }

  /// An entropy for each of the one to four tokens of a sample.
  private static func withEntropies(_ batch: TrajectoryBatch) -> TrajectoryBatch {
    var batch = batch
    for index in 0..<batch.count {
      let count = (try? batch[index].tokenCount) ?? 0
      batch[index].set(.entropies, to: .array((0..<count).map { .number(0.5 + 0.25 * Double(($0 + index) % 3)) }))
    }
    return batch
  }

  @Test("each obeys the laws of stages", arguments: 0..<5)
  func laws(_ index: Int) async throws {
    let stage = AdvantageStage(estimator: Self.estimators[index])
    // Entropies that do not depend on the order of the groups.
    let batches = SampleBatches.exhaustive(carrying: stage.reads).map { batch in
      var batch = batch
      for position in 0..<batch.count {
        let count = (try? batch[position].tokenCount) ?? 0
        let seed = Int(PhiloxGenerator.hash(batch[position].id) % 7)
        batch[position].set(
          .entropies, to: .array((0..<count).map { .number(Double((seed + $0) % 5) / 4) }))
      }
      return batch
    }
    try await StageLaws.check(stage, on: batches)
  }

  @Test("one right of eight has 7, and a mean of 0 gives 0")
  func maxRL() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0, 0, 0, 0, 0, 0, 0], [-1, 1], [1]])
    let report = try await run(MaxRLEstimator(assembly: .plain()), &batch)
    #expect(batch.trajectories.map(\.advantage) == [7, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0])
    #expect(report.warnings.map(\.code) == ["negative-reward"])
    #expect(report.warnings.first?.message.hasPrefix("1 rewards are below 0, and 'max-rl' divides by the mean") == true)
  }

  @Test("opo's baseline weighs rewards by length")
  func opo() async throws {
    // Lengths 1, 2, 3, 4: (1 + 4) / 10.
    var batch = TrajectoryBatch.sample(rewards: [[1, 0, 0, 1]])
    _ = try await run(OPOEstimator(assembly: .plain()), &batch)
    #expect(batch.trajectories.map(\.advantage) == [0.5, -0.5, -0.5, 0.5])
  }

  @Test("adora reports the share of groups that it scales, and scales advantages per token as well")
  func adora() async throws {
    // Lengths 1, 2, 3, 4: the right one is the shortest, then the longest.
    var batch = TrajectoryBatch.sample(rewards: [[1, 0, 0, 0], [0, 0, 0, 1]])
    let grpo = 1.5 / (1 + 1e-6 / 0.5)
    let report = try await run(ADORAEstimator(inner: GRPOEstimator(assembly: .plain())), &batch)
    #expect(abs((batch[0].advantage ?? 0) - 0.1 * grpo) < 1e-9)
    #expect(abs((batch[7].advantage ?? 0) - grpo) < 1e-9)
    #expect(report.metrics.first { $0.name == "estimator/scaled_share" }?.value == 0.5)
    let perToken = ADORAEstimator(inner: ReinforcePlusPlusEstimator(assembly: .plain()))
    #expect(perToken.writes == [.advantage, .advantages])
    var plain = TrajectoryBatch.sample(rewards: [[1, 0, 0, 0]])
    var scaled = plain
    _ = try await run(ReinforcePlusPlusEstimator(assembly: .plain()), &plain)
    _ = try await run(perToken, &scaled)
    for (one, other) in zip(plain.trajectories, scaled.trajectories) {
      #expect(other.advantages == one.advantages.map { $0.map { 0.1 * $0 } })
    }
  }

  @Test("adora can go by a part of the reward, which the check then looks for")
  func adoraScore() async throws {
    var options = ADORAEstimator.Options()
    options.score = "accuracy"
    let estimator = ADORAEstimator(options: options, inner: GRPOEstimator(assembly: .plain()))
    #expect(AdvantageStage(estimator: estimator).readsScores == ["accuracy"])
    #expect(AdvantageStage(estimator: estimator).reads == [.reward, .rewards, .tokens])
    var batch = TrajectoryBatch.sample(rewards: [[1, 0.75]]) {
      $0.rewards = [RewardPart("accuracy", $0.id == "g0/0" ? 1 : 0)]
    }
    // The right one has one token, the other two.
    let report = try await run(estimator, &batch)
    #expect(report.metrics.first { $0.name == "estimator/scaled_share" }?.value == 1)
  }

  @Test("rl-zvp shapes groups of equal rewards, and says how many")
  func rlZVP() async throws {
    var batch = Self.withEntropies(.sample(rewards: [[1, 1], [0, 0], [1, 0], [1]]))
    let report = try await run(RLZVPEstimator(assembly: .plain()), &batch)
    let shaped: [[Double]] = batch.trajectories.map { ($0.advantages ?? []).map { ($0 * 1e9).rounded() / 1e9 } }
    // Entropies 0.5, then 0.75 and 1; all wrong: 1, then 0.5 and 0.75.
    #expect(Array(shaped.prefix(4)) == [[0.05], [0.075, 0.1], [0], [-0.025, 0]])
    #expect(shaped[6] == [0])
    #expect(report.metrics.first { $0.name == "estimator/shaped_share" }?.value == 0.5)
  }

  @Test("a rollout without entropies, or with too few, leaves with the rule")
  func noEntropies() async throws {
    var batch = Self.withEntropies(.sample(rewards: [[1, 0, 1, 0]]))
    batch[1].set(.entropies, to: nil)
    batch[2].set(.entropies, to: [0.5])
    let report = try await run(RLZVPEstimator(assembly: .plain()), &batch)
    #expect(batch.drops.map(\.rule) == ["no-entropies", "no-entropies"])
    #expect(
      report.warnings.first?.message
        == "2 trajectories leave since they have no 'entropies' with a number for each token, the first is 'g0/1'")
  }

  /// Looks at everything that an estimator can see.
  private struct Looking: AdvantageEstimator {
    static let about = ComponentAbout(name: "looking", summary: "Adds up what it sees")
    let reads: Set<Field> = [.tokens, .logprobs, .entropies, .rewards]
    let comparesWithinGroup = false
    init(options: NoOptions = NoOptions(), assembly: Assembly) {}
    func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
      groups.map { group in
        group.map { rollout in
          let lists = rollout.logProbs.reduce(0, +) + 10 * rollout.entropies.reduce(0, +)
          return .uniform(lists + 100 * Double(rollout.tokenCount) + 1000 * rollout.parts.reduce(0) { $0 + $1.score })
        }
      }
    }
  }

  @Test("an estimator sees lengths, log-probabilities, entropies and the parts of the reward of a group")
  func looking() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 0]]) { trajectory in
      let count = (try? trajectory.tokenCount) ?? 0
      trajectory.set(.logprobs, to: .array(Array(repeating: -1, count: count)))
      trajectory.set(.entropies, to: .array(Array(repeating: .number(0.5), count: count)))
    }
    _ = try await run(Looking(assembly: .plain()), &batch)
    #expect(batch.trajectories.map(\.advantage) == [1104, 208])
  }

  @Test("options are described and bounded")
  func options() throws {
    try OptionsLaws.check(ADORAEstimator.Options.self)
    try OptionsLaws.check(RLZVPEstimator.Options.self)
    var adora = ADORAEstimator.Options()
    (adora.factor, adora.score, adora.limit) = (-1, "", -1)
    #expect(
      adora.problems().map { "\($0.path) \($0.message)" } == [
        "factor is -1.0, it must be 0 or more", "score is empty, it must be 'reward' or the name of one of its parts",
        "limit is -1, it must not be negative",
      ])
    var zvp = RLZVPEstimator.Options()
    zvp.alpha = -1
    #expect(zvp.problems().map { "\($0.path) \($0.message)" } == ["alpha is -1.0, it must be 0 or more"])
  }
}

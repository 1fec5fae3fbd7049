// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

@Suite("RewardStage", .timeLimit(.minutes(15)))
struct RewardStageTests {
  /// Does what the trajectory's `behaviour` says.
  private struct Scripted: RewardFunction {
    static let about = ComponentAbout(name: "scripted", summary: "Does as it is told")
    let reads: Set<Field> = [Field("behaviour")]
    init(options: NoOptions, assembly: Assembly) {}
    func score(_ trajectory: Trajectory) throws -> RewardOutcome {
      switch try trajectory.value(of: Field("behaviour"))?.stringValue {
      case "half": return .scored(0.5, parts: [RewardPart("style", 2)])
      case "abstain": return .abstained("cannot tell")
      case "late": throw RewardTimeout(seconds: 30)
      case "infinite": return .scored(.infinity)
      default: throw PipelineError(.plugIn, "it broke")
      }
    }
  }

  private func assembly() throws -> Assembly {
    var registry = Registry()
    try registry.register(BoxedAnswerReward.self)
    try registry.register(BoxedFormatReward.self)
    try registry.register(Scripted.self)
    return .plain(registry)
  }

  private func stage(
    _ functions: [RewardTerm], existing: RewardStage.Existing = .replace
  ) throws -> RewardStage {
    var options = RewardStage.Options()
    options.functions = functions
    options.existing = existing
    return try RewardStage(options: options, assembly: assembly())
  }

  private func batch(_ behaviours: [String]) -> TrajectoryBatch {
    TrajectoryBatch(
      behaviours.enumerated().map { index, behaviour in
        Trajectory(
          id: "t\(index)", group: "g",
          fields: [
            Field("behaviour"): .string(behaviour), .answer: "25", .response: "<think>.</think> \\boxed{25}",
          ])
      })
  }

  private let context = StageContext(stage: "reward")

  @Test("weighted: the same sum as one reward function, which does not score where one that counts does not")
  func weighted() async throws {
    func outcomes(_ weight: Double) async throws -> [String] {
      var options = WeightedRewards.Options()
      options.functions = [
        .init("boxed-answer", weight: 0.5, name: "accuracy"), .init("scripted", weight: weight),
      ]
      let reward = try WeightedRewards(options: options, assembly: assembly())
      #expect(reward.reads == [.response, .answer, Field("behaviour")])
      var outcomes: [String] = []
      for trajectory in batch(["half", "abstain", "late", "broken"]).trajectories {
        do { outcomes.append("\(try await reward.score(trajectory))") } catch { outcomes.append("\(error)") }
      }
      return outcomes
    }
    let half = RewardOutcome.scored(
      1.5, parts: [RewardPart("accuracy", 1), RewardPart("scripted", 0.5), RewardPart("scripted/style", 2)])
    let counted = try await outcomes(2)
    #expect(counted[0] == "\(half)")
    #expect(counted[1] == "\(RewardOutcome.abstained("'scripted': cannot tell"))")
    #expect(counted[2] == "'scripted': did not answer within 30.0 s" && counted[3] == "'scripted': it broke")
    let watched = try await outcomes(0)
    #expect(watched[3] == "\(RewardOutcome.scored(0.5, parts: [RewardPart("accuracy", 1)]))")
  }

  @Test("weighted in the stage: what became of the reward that counts becomes of the trajectory")
  func weightedStatus() async throws {
    var registry = Registry()
    try registry.register(WeightedRewards.self)
    try registry.register(Scripted.self)
    let here = SourceLocation(file: "test", line: 1, column: 1)
    let names = OptionTree(.list([OptionTree(.string("scripted"), at: here)]), at: here)
    let functions = OptionTree(.table([.init(key: "functions", location: here, value: names)]), at: here)
    var options = RewardStage.Options()
    options.functions = [.init("weighted", with: functions)]
    let stage = try RewardStage(options: options, assembly: .plain(registry))
    var batch = batch(["half", "abstain", "late", "broken"])
    try await stage.run(&batch, in: context)
    #expect(batch.trajectories.map(\.rewardStatus) == [.scored, .abstained, .timedOut, .failed])
  }

  @Test("the reward is the weighted sum, and raw scores stay under their names")
  func weightedSum() async throws {
    let stage = try stage([
      .init("boxed-answer", weight: 0.9, name: "accuracy"), .init("format", weight: 0.1),
      .init("scripted", weight: 2),
    ])
    var batch = batch(["half"])
    try await stage.run(&batch, in: context)
    #expect(batch[0].reward == 0.9 + 0.1 + 1)
    #expect(
      batch[0].rewards == [
        RewardPart("accuracy", 1), RewardPart("format", 1), RewardPart("scripted", 0.5),
        RewardPart("scripted/style", 2),
      ])
    #expect(batch[0].rewardStatus == .scored)
    #expect(stage.reads == [.response, .answer, Field("behaviour")])
    #expect(
      context.report.metrics.map(\.name) == [
        "reward/overall", "critic/score/mean", "critic/score/max", "critic/score/min", "critic/rewards/mean",
        "critic/rewards/max", "critic/rewards/min", "reward/accuracy", "reward/format", "reward/scripted",
        "reward/scripted/style", "reward/accuracy/no_answer", "reward_status/scored", "reward_status/abstained",
        "reward_status/failed",
        "reward_status/timed_out", "reward_status/already_scored",
      ])
  }

  @Test("what does not score has no reward, a status, and one warning for each way")
  func unscored() async throws {
    var batch = batch(["half", "abstain", "late", "infinite", "break", "break"])
    for index in 0..<batch.count { batch[index].reward = 7 }
    batch[5].set(Field("behaviour"), to: nil)
    try await stage([.init("scripted"), .init("format")]).run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [1.5, nil, nil, nil, nil, nil])
    #expect(
      batch.trajectories.map(\.rewardStatus) == [.scored, .abstained, .timedOut, .failed, .failed, .failed])
    #expect(batch[1].rewards == [RewardPart("format", 1)])
    #expect(batch.drops.isEmpty)
    #expect(
      context.report.warnings.map { "\($0.code) \($0.count): \($0.message)" } == [
        "reward-abstained 1: 'scripted' abstained from 1 of 6 trajectories; the first is 't1': cannot tell",
        "reward-timed-out 1: 'scripted' did not answer in time for 1 of 6 trajectories; the first is 't2': did not "
          + "answer within 30.0 s",
        "reward-failed 3: 'scripted' failed on 3 of 6 trajectories; the first is 't3': scored inf, or a part of it, "
          + "which is not finite",
      ])
  }

  @Test("responses without what a function looks for score 0, are counted, and warned of where they are many")
  func noAnswer() async throws {
    var batch = TrajectoryBatch(
      ["\\boxed{25}", "\\boxed{24}", "25", "I do not know"].enumerated().map { index, response in
        Trajectory(id: "t\(index)", group: "g", fields: [.response: .string(response), .answer: "25"])
      })
    try await stage([.init("boxed-answer", name: "accuracy")]).run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [1, 0, 0, 0])
    #expect(batch[1].rewards == [RewardPart("accuracy", 0)])
    #expect(batch[2].rewards == [RewardPart("accuracy", 0), RewardPart("accuracy/found", 0)])
    let metrics = Dictionary(uniqueKeysWithValues: context.report.metrics.map { ($0.name, $0.value) })
    #expect(metrics["reward/accuracy/no_answer"] == 0.5 && metrics["reward/accuracy/found"] == nil)
    #expect(
      context.report.warnings.map { "\($0.code) \($0.count): \($0.message)" } == [
        "no-answer 2: 50 % of the responses hold no \\boxed{…}; for 'accuracy' they are wrong, whatever they say: ask for it "
          + "in the prompt, or look elsewhere"
      ])
  }

  @Test("few responses without an answer are counted, not warned of; within a sum they are counted by name")
  func fewWithoutAnswer() async throws {
    var registry = Registry()
    try registry.register(WeightedRewards.self)
    try registry.register(BoxedAnswerReward.self)
    var options = RewardStage.Options()
    options.functions = [.init("weighted")]
    let stage = try RewardStage(options: options, assembly: .plain(registry))
    var batch = TrajectoryBatch(
      ["\\boxed{25}", "\\boxed{24}", "25"].enumerated().map { index, response in
        Trajectory(id: "t\(index)", group: "g", fields: [.response: .string(response), .answer: "25"])
      })
    try await stage.run(&batch, in: context)
    let metrics = Dictionary(uniqueKeysWithValues: context.report.metrics.map { ($0.name, $0.value) })
    #expect(metrics["reward/weighted/boxed-answer/no_answer"] == 1.0 / 3)
    #expect(context.report.warnings.isEmpty)
  }

  @Test("where a function failed or was too late, the record says which and why, until it is scored")
  func reasons() async throws {
    var batch = batch(["half", "abstain", "late", "break"])
    try await stage([.init("format"), .init("scripted")]).run(&batch, in: context)
    func reasons() throws -> [String?] { try batch.trajectories.map { try $0.value(of: .rewardReason)?.stringValue } }
    #expect(try reasons() == [nil, nil, "'scripted': did not answer within 30.0 s", "'scripted': it broke"])
    try await stage([.init("format")]).run(&batch, in: context)
    #expect(try reasons() == [nil, nil, nil, nil])
  }

  @Test("a function that abstains can be left out of the sum; where all do there is none")
  func leftOut() async throws {
    var options = RewardStage.Options()
    options.functions = [.init("format", weight: 0.5), .init("scripted")]
    options.abstained = .leftOut
    var batch = batch(["half", "abstain", "break"])
    try await RewardStage(options: options, assembly: assembly()).run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [1, 0.5, nil])
    #expect(batch.trajectories.map(\.rewardStatus) == [.scored, .scored, .failed])
    options.functions = [.init("scripted"), .init("format", weight: 0)]
    try await RewardStage(options: options, assembly: assembly()).run(&batch, in: context)
    #expect(batch.trajectories.map(\.rewardStatus) == [.scored, .abstained, .failed])
    var sum = WeightedRewards.Options()
    (sum.functions, sum.abstained) = ([.init("format", weight: 0.5), .init("scripted")], .leftOut)
    let weighted = try WeightedRewards(options: sum, assembly: assembly())
    #expect(try await weighted.score(batch[1]) == .scored(0.5, parts: [RewardPart("format", 1)]))
  }

  @Test("a field that a function reads and a record lacks is named")
  func missingField() async throws {
    var batch = batch(["half"])
    batch[0].set(.answer, to: nil)
    try await stage([.init("boxed-answer")]).run(&batch, in: context)
    #expect(batch[0].rewardStatus == .failed)
    #expect(
      context.report.warnings.map(\.message) == [
        "'boxed-answer' failed on 1 of 1 trajectories; the first is 't0': has no 'answer'"
      ])
  }

  @Test("a function of weight 0 only watches")
  func watching() async throws {
    var batch = batch(["break"])
    try await stage([.init("format"), .init("scripted", weight: 0)]).run(&batch, in: context)
    #expect(batch[0].reward == 1)
    #expect(batch[0].rewardStatus == .scored)
    #expect(context.report.warnings.map(\.code) == ["reward-failed"])
  }

  @Test("existing rewards can be kept")
  func keepsExisting() async throws {
    var batch = batch(["half", "half"])
    batch[0].reward = 7
    try await stage([.init("scripted")], existing: .keep).run(&batch, in: context)
    #expect(batch.trajectories.map(\.reward) == [7, 0.5])
    #expect(context.report.metrics.first?.value == 3.75)
  }

  @Test("problems of options are named by their place")
  func problems() throws {
    var options = RewardStage.Options()
    options.functions = []
    #expect(
      try options.allProblems() == [
        OptionProblem(
          "functions", "is empty, it must name at least one reward function, such as boxed-answer")
      ])
    options.functions = [.init("format", weight: .nan), .init("format"), .init()]
    #expect(
      try options.allProblems().map { "\($0.path) \($0.message)" } == [
        "functions.0.weight is nan, it must be finite",
        "functions.2.use is empty, it must name a reward function",
        "functions.1.name is 'format' a second time, give each function its own name",
      ])
    options.functions = [.init("format", weight: 0)]
    #expect(
      try options.allProblems() == [OptionProblem("functions", "has only weights of 0, at least one must count")])
  }

  @Test("the stage obeys the laws")
  func laws() async throws {
    try await StageLaws.check(try stage([.init("boxed-answer", weight: 0.9), .init("format", weight: 0.1)]))
    try await StageLaws.check(try stage([.init("boxed-answer")], existing: .keep))
    try await StageLaws.check(try stage([.init("scripted")]))
    try OptionsLaws.check(RewardStage.Options.self)
    let violation = #expect(throws: LawViolation.self) { try OptionsLaws.check(RewardTerm.self) }
    #expect(
      violation?.broken == ["the defaults have no problems: 'use' is empty, it must name a reward function"])
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Synchronization
import Testing

/// What a test's function was asked, and by whom it is told what to do.
private final class Asked: Sendable {
  let batches = Mutex<[[String]]>([])
  let isBroken = Mutex(false)
}

/// A reward that wants four trajectories at once, and says how many were in the batch.
private struct Together: BatchRewardFunction {
  static let about = ComponentAbout(name: "together", summary: "Scores with the size of its batch")
  @TaskLocal static var asked = Asked()
  let reads: Set<Field> = [.response]
  let together = 4
  private let log: Asked

  init(options: NoOptions, assembly: Assembly) { log = Self.asked }

  func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>] {
    if trajectories.isEmpty { return [] }
    log.batches.withLock { $0.append(trajectories.map(\.id)) }
    if log.isBroken.withLock({ $0 }) { throw PipelineError(.server, "nobody is there") }
    return trajectories.map { _ in .success(.scored(Double(trajectories.count))) }
  }

  func remarks() -> [String] { ["it was asked again"] }
}

/// Computes; it has nothing to gain from being asked early.
private struct Computing: BatchRewardFunction {
  static let about = ComponentAbout(name: "computing", summary: "Scores 1")
  let reads: Set<Field> = [.response]
  let worksElsewhere = false

  init(options: NoOptions, assembly: Assembly) {}

  func scores(
    of trajectories: [Trajectory], in context: StageContext
  ) async throws -> [Result<RewardOutcome, any Error>] { trajectories.map { _ in .success(.scored(1)) } }
}

@Suite("Rewards while sampling", .timeLimit(.minutes(15)))
struct EarlyJudgingTests {
  private let asked = Asked()
  private let context = StageContext(stage: "reward")

  private func stage(_ change: (inout RewardStage.Options) -> Void = { _ in }) throws -> RewardStage {
    var registry = Registry()
    try registry.register(Together.self)
    try registry.register(Computing.self)
    var options = RewardStage.Options()
    options.functions = [RewardTerm("together")]
    change(&options)
    return try Together.$asked.withValue(asked) { try RewardStage(options: options, assembly: .plain(registry)) }
  }

  /// Two rollouts each of some prompts.
  private func rollouts(ofPrompt prompt: Int) -> [Trajectory] {
    (0..<2).map { Trajectory(id: "p\(prompt)/\($0)", group: "p\(prompt)", fields: [.response: "r"]) }
  }

  private func rewards(_ stage: RewardStage, prompts: Int, early order: [Int]) async throws -> [Double?] {
    var context = context
    if let work = stage.beginEarly(perPrompt: 2, in: context) {
      for prompt in order { work.add(rollouts(ofPrompt: prompt), ofPrompt: prompt) }
      context = context.with(early: work)
    }
    var batch = TrajectoryBatch((0..<prompts).flatMap(rollouts))
    try await stage.run(&batch, in: context)
    return batch.trajectories.map(\.reward)
  }

  @Test("batches are made up by the order of the prompts, whichever is finished first, and nothing is asked twice")
  func order() async throws {
    let stage = try stage()
    for order in [[0, 1, 2, 3, 4], [3, 0, 4, 2, 1], [1, 0]] {
      asked.batches.withLock { $0 = [] }
      let rewards = try await rewards(stage, prompts: 5, early: order)
      let batches = asked.batches.withLock { $0 }
      #expect(Set(batches.joined()).count == 10 && batches.joined().count == 10)
      if order.count == 5 {
        #expect(rewards == [4, 4, 4, 4, 4, 4, 4, 4, 2, 2])
        #expect(
          Set(batches) == [["p0/0", "p0/1", "p1/0", "p1/1"], ["p2/0", "p2/1", "p3/0", "p3/1"], ["p4/0", "p4/1"]])
      } else {
        // The three prompts that did not come are asked about together, as a stage without early work does.
        #expect(rewards == [4, 4, 4, 4, 6, 6, 6, 6, 6, 6])
      }
    }
    #expect(context.report.warnings.map(\.message) == Array(repeating: "it was asked again", count: 3))
  }

  @Test("rewards that are kept are not asked for; a stage that waits begins nothing")
  func kept() async throws {
    let keeping = try stage { $0.existing = .keep }
    let work = try #require(keeping.beginEarly(perPrompt: 2, in: context))
    let scored = rollouts(ofPrompt: 0).map { trajectory in
      var trajectory = trajectory
      trajectory.reward = 7
      return trajectory
    }
    for prompt in 0..<4 { work.add(scored, ofPrompt: prompt) }
    var batch = TrajectoryBatch(scored)
    try await keeping.run(&batch, in: context.with(early: work))
    #expect(batch.trajectories.map(\.reward) == [7, 7])
    #expect(asked.batches.withLock { $0 } == [])
    #expect(try stage { $0.functions = [RewardTerm("computing")] }.beginEarly(perPrompt: 2, in: context) == nil)
    #expect(try stage { $0.whileSampling = .wait }.beginEarly(perPrompt: 2, in: context) == nil)
  }

  @Test("functions that compute and those that wait give one sum, in their order")
  func mixed() async throws {
    let stage = try stage { $0.functions = [RewardTerm("computing"), RewardTerm("together", weight: 10)] }
    #expect(try await rewards(stage, prompts: 3, early: [2, 0, 1]) == [41, 41, 41, 41, 21, 21])
    #expect(try await rewards(stage, prompts: 3, early: []) == Array(repeating: 61, count: 6))
  }

  @Test("what makes a function stop stops the stage; what is abandoned is asked nothing more")
  func failure() async throws {
    let stage = try stage()
    asked.isBroken.withLock { $0 = true }
    let error = await #expect(throws: PipelineError.self) {
      _ = try await rewards(stage, prompts: 2, early: [0, 1])
    }
    #expect(error?.message == "nobody is there")
    let work = try #require(stage.beginEarly(perPrompt: 2, in: context))
    await work.abandon()
    let before = asked.batches.withLock(\.count)
    for prompt in 0..<2 { work.add(rollouts(ofPrompt: prompt), ofPrompt: prompt) }
    await work.abandon()
    #expect(asked.batches.withLock(\.count) == before)
  }
}

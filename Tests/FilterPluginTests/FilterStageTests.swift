// SPDX-License-Identifier: Apache-2.0
import FilterPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("FilterStage", .timeLimit(.minutes(15)))
struct FilterStageTests {
  private func run(
    _ batch: inout TrajectoryBatch, _ change: (inout FilterStage.Options) -> Void
  ) async throws -> StageReport {
    var options = FilterStage.Options()
    change(&options)
    let context = StageContext(stage: "filter")
    try await FilterStage(options: options, assembly: .plain()).run(&batch, in: context)
    return context.report
  }

  @Test("the reward band keeps groups whose mean lies strictly inside")
  func rewardBand() async throws {
    var batch = TrajectoryBatch.sample(rewards: [
      [1, 1], [0, 0], [1, 0], [0.25, 0.25], [nil, 0.5], [nil, nil],
    ])
    _ = try await run(&batch) {
      $0.low = 0.25
      $0.high = 1
    }
    #expect(batch.trajectories.map(\.id) == ["g2/0", "g2/1", "g4/0", "g4/1"])
    #expect(
      batch.drops.map(\.rule) == [
        "reward-band", "reward-band", "reward-band", "reward-band", "reward-band", "reward-band", "no-score",
        "no-score",
      ])
  }

  @Test("the reward band can go by a part of the reward")
  func rewardPart() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 1], [1, 1]]) {
      $0.rewards = [RewardPart("format", 1), RewardPart("accuracy", $0.id == "g1/1" ? 0 : 1)]
    }
    _ = try await run(&batch) { $0.score = "accuracy" }
    #expect(batch.trajectories.map(\.id) == ["g1/0", "g1/1"])
  }

  @Test("overlong goes by finish, and by the number of tokens where a limit is set")
  func overlong() async throws {
    // Rollouts 0 … 4 have 1, 2, 3, 4 and 1 tokens; the last one's finish is `length`.
    let input = TrajectoryBatch.sample(rewards: [[1, 1, 1, 1, 1]])
    var batch = input
    _ = try await run(&batch) { $0.rule = .overlong }
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g0/2", "g0/3"])
    #expect(batch.drops.map(\.rule) == ["overlong"])
    batch = input
    _ = try await run(&batch) {
      $0.rule = .overlong
      $0.maxTokens = 2
    }
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1"])
  }

  @Test("zero-variance drops groups whose rewards are all equal")
  func zeroVariance() async throws {
    var batch = TrajectoryBatch.sample(rewards: [[1, 1], [1, 0], [0.5], [nil, 1, 1], [nil]])
    _ = try await run(&batch) { $0.rule = .zeroVariance }
    #expect(batch.trajectories.map(\.id) == ["g1/0", "g1/1", "g4/0"])
    #expect(Set(batch.drops.map(\.rule)) == ["zero-variance"])
  }

  @Test("the stage obeys the laws with every rule")
  func laws() async throws {
    for rule in FilterStage.Rule.allCases {
      for maxTokens in [0, 2] {
        var options = FilterStage.Options()
        options.rule = rule
        options.maxTokens = maxTokens
        try await StageLaws.check(FilterStage(options: options, assembly: .plain()))
      }
    }
    try OptionsLaws.check(FilterStage.Options.self)
  }

  @Test("options out of range are named")
  func problems() {
    var options = FilterStage.Options()
    options.low = 0.99
    options.score = ""
    options.maxTokens = -1
    #expect(
      options.problems().map { "\($0.path) \($0.message)" } == [
        "low is 0.99, it must lie below high, 0.99",
        "score is empty, it must be 'reward' or the name of one of its parts",
        "max_tokens is -1, it must not be negative",
      ])
  }
}

extension FilterStageTests {
  @Test("a score that no record has is an error with the names there are, not a batch that is gone")
  func unknownScore() async throws {
    func message(_ score: String) async -> String? {
      var batch = TrajectoryBatch.sample(rewards: [[1, 0]]) {
        $0.rewards = [RewardPart("dapo", 1), RewardPart("dapo/accuracy", 1), RewardPart("format", 0)]
      }
      let error = await #expect(throws: PipelineError.self) { _ = try await run(&batch) { $0.score = score } }
      return error?.message
    }
    #expect(
      await message("accuracy")
        == "no record has the score 'accuracy', which 'score' names; did you mean 'dapo/accuracy'? The scores there are: "
        + "reward, dapo, dapo/accuracy, format")
    #expect(
      await message("x_y_z")
        == "no record has the score 'x_y_z', which 'score' names; the scores there are: reward, dapo, dapo/accuracy, format"
    )
    // A record without any part of a reward, such as one whose reward failed, says nothing about names.
    var batch = TrajectoryBatch.sample(rewards: [[nil, nil]])
    _ = try await run(&batch) { $0.score = "accuracy" }
    #expect(batch.isEmpty)
  }
}

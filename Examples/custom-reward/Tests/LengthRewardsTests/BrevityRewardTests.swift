// SPDX-License-Identifier: Apache-2.0
import LengthRewards
import PipelineCore
import PipelineTesting
import Testing

@Suite struct BrevityRewardTests {
  @Test("up to the limit the reward is 1, at twice the limit 0, in between it falls evenly")
  func falling() throws {
    var options = BrevityReward.Options()
    options.characters = 4
    let reward = BrevityReward(options: options, assembly: .plain())
    for (response, score) in [("", 1), ("1234", 1), ("12345", 0.75), ("12345678", 0), ("1234567890", 0)] {
      let trajectory = Trajectory(id: "a/0", group: "a", fields: [.response: .string(response)])
      #expect(try reward.score(trajectory) == .scored(score))
    }
  }

  @Test("a trajectory without a response gets no score")
  func abstaining() throws {
    let reward = BrevityReward(assembly: .plain())
    #expect(try reward.score(Trajectory(id: "a/0", group: "a")) == .abstained("there is no response"))
  }

  @Test("it obeys the laws of reward functions, and its options those of options")
  func laws() async throws {
    try await RewardLaws.check(
      BrevityReward(assembly: .plain()), cases: TrajectoryBatch.sample(rewards: [[1, 0]]).trajectories)
    try OptionsLaws.check(BrevityReward.Options.self)
  }
}

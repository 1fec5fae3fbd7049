// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

private func trajectory(_ response: String) -> Trajectory {
  Trajectory(id: "t", group: "g", fields: [.response: .string(response)])
}

@Suite("BoxedFormatReward, AnswerTagFormatReward, ThinkFormatReward", .timeLimit(.minutes(15)))
struct FormatRewardTests {
  @Test(
    "boxed: thinking first, a box after it",
    arguments: [
      ("<think>a</think>\\boxed{b}", 1.0), ("<think></think> so\n\\boxed{} end\n", 1),
      (" <think>a</think>\\boxed{b}", 0),
      ("<think>a \\boxed{b}</think>", 0), ("<think>a</think>\\boxed{b", 0), ("\\boxed{b}", 0),
      ("<think>\\boxed{b}", 0),
      ("<think>a</think></think>\\boxed{b}", 1), ("", 0),
    ])
  func boxed(response: String, score: Double) throws {
    #expect(try BoxedFormatReward(assembly: .plain()).score(trajectory(response)) == .scored(score))
  }

  @Test(
    "answer-tag: thinking, then nothing but the tagged answer",
    arguments: [
      ("<think>a</think><answer>b</answer>", 1.0), ("<think>a\n</think>\n \t<answer></answer>", 1),
      ("<think>a</think><answer>b</answer>\n", 0), ("\n<think>a</think><answer>b</answer>", 0),
      ("<think>a</think> so <answer>b</answer>", 0), ("<think>a</think> so </think> <answer>b</answer>", 1),
      ("<think>a</think><answer></answer></answer>", 1), ("<think>a</think><answer>", 0),
      ("<answer>b</answer>", 0),
      ("<think>a</think></answer>", 0), ("", 0),
    ])
  func tagged(response: String, score: Double) throws {
    #expect(try AnswerTagFormatReward(assembly: .plain()).score(trajectory(response)) == .scored(score))
  }

  @Test(
    "think: one thought, at the beginning, that ends",
    arguments: [
      ("<think>a</think>b", 1.0), ("<think></think>", 1), ("<think>a\n</think></think>\n", 1), ("<think>a", 0),
      (" <think>a</think>b", 0), ("<think>a</think><think>b</think>", 0), ("<think><think>a</think>", 0), ("", 0),
    ])
  func think(response: String, score: Double) throws {
    #expect(try ThinkFormatReward(assembly: .plain()).score(trajectory(response)) == .scored(score))
  }

  @Test("the rewards obey the laws")
  func laws() async throws {
    for reward: any RewardFunction in [
      BoxedFormatReward(assembly: .plain()), AnswerTagFormatReward(assembly: .plain()),
      ThinkFormatReward(assembly: .plain()),
    ] {
      try await RewardLaws.check(reward, cases: [trajectory("<think>a</think>\\boxed{b}"), trajectory("")])
    }
  }
}

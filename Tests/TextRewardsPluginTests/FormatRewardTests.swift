// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

private func rollout(_ response: String) -> Trajectory {
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
    #expect(try BoxedFormatReward(assembly: .plain()).score(rollout(response)) == .scored(score))
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
    #expect(try AnswerTagFormatReward(assembly: .plain()).score(rollout(response)) == .scored(score))
  }

  @Test(
    "think: one thought, at the beginning, that ends",
    arguments: [
      ("<think>a</think>b", 1.0), ("<think></think>", 1), ("<think>a\n</think></think>\n", 1), ("<think>a", 0),
      (" <think>a</think>b", 0), ("<think>a</think><think>b</think>", 0), ("<think><think>a</think>", 0), ("", 0),
    ])
  func think(response: String, score: Double) throws {
    #expect(try ThinkFormatReward(assembly: .plain()).score(rollout(response)) == .scored(score))
  }

  @Test("space beside the marks of tags can be left out of account, as EasyR1 does")
  func spacesInTags() throws {
    let boxed = rollout("< think >a</ think > \\boxed{1}")
    let tagged = rollout("< think > a < /think >\n< answer > B </answer >")
    #expect(try BoxedFormatReward(assembly: .plain()).score(boxed) == .scored(0))
    #expect(try AnswerTagFormatReward(assembly: .plain()).score(tagged) == .scored(0))
    let boxedOptions = with(BoxedFormatReward.Options.self) { $0.spacesInTags = .ignored }
    let taggedOptions = with(AnswerTagFormatReward.Options.self) { $0.spacesInTags = .ignored }
    let thinkOptions = with(ThinkFormatReward.Options.self) { $0.spacesInTags = .ignored }
    #expect(try BoxedFormatReward(options: boxedOptions, assembly: .plain()).score(boxed) == .scored(1))
    #expect(try AnswerTagFormatReward(options: taggedOptions, assembly: .plain()).score(tagged) == .scored(1))
    #expect(try ThinkFormatReward(options: thinkOptions, assembly: .plain()).score(tagged) == .scored(1))
  }

  @Test("the rewards obey the laws")
  func laws() async throws {
    for reward: any RewardFunction in [
      BoxedFormatReward(assembly: .plain()), AnswerTagFormatReward(assembly: .plain()),
      ThinkFormatReward(assembly: .plain()),
    ] {
      try await RewardLaws.check(reward, cases: [rollout("<think>a</think>\\boxed{b}"), rollout("")])
    }
  }
}

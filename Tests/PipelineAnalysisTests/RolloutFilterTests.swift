// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineCore
import Testing

@Suite("a filter of rollouts", .timeLimit(.minutes(15)))
struct RolloutFilterTests {
  static let rollout: Trajectory = {
    var rollout = Trajectory(
      id: "a/0", group: "a", reward: 0.3,
      fields: [
        .response: "one\ntwo", .finish: "length", Field("kind"): "count", Field("n"): 7, .tokens: [1, 2, 3],
        Field("empty"): .null,
        .prompt: [["role": "user", "content": "How many?"]], Field("two words"): "yes",
      ])
    rollout.rewards = [RewardPart("accuracy", 0), RewardPart("format", 1)]
    rollout.step = 21
    rollout.pair = Pair(rank: 1, side: .low, weight: 0.5, partner: "a/1")
    rollout.draws = [4, 9]
    return rollout
  }()

  @Test(
    "met",
    arguments: [
      "reward < 0.5 & finish = length & kind = count & step > 20", "reward = 0.30", "n >= 7", "n = 7.0",
      "kind != color",
      "accuracy = 0 & rewards.format = 1", "tokens = 3 & characters = 7", "draws = 2 & pair.rank = 1 & pair.side = low",
      "question ~ MANY", "question !~ few", "!(reward > 0.5) | kind = none", "kind", "!missing", "!empty",
      "reward > 1 | (kind = count & !(n < 3))", #""two words" = yes"#, "id = a/0 and step = 21",
      "response ~ \"one\\\\\" | kind = count",
    ])
  func met(_ text: String) throws { #expect(try RolloutFilter(text).matches(Self.rollout)) }

  @Test(
    "not met",
    arguments: [
      "reward > 0.5", "missing = 1", "missing != 1", "missing < 1", "finish = stop", "kind > 3", "kind = Count",
      "empty",
      "reward < 0.5 & kind = color", "!(kind = count)", "accuracy = 1",
    ])
  func notMet(_ text: String) throws { #expect(try !RolloutFilter(text).matches(Self.rollout)) }

  @Test(
    "what cannot be read is named",
    arguments: [
      ("", "it is empty"), ("reward <", "a value is expected after 'reward <'"),
      ("reward < high", "'<' compares numbers, and 'high' is none"),
      ("(reward", "a parenthesis is not closed"), ("a = 1 b", "'&' or '|' is expected before 'b'"),
      ("& a", "a name is expected before '&'"),
      (#"a = "x"#, "a quotation mark is not closed"), ("a = 1 &", "it ends early"),
    ])
  func faults(_ text: String, _ reason: String) {
    let error = #expect(throws: PipelineError.self) { try RolloutFilter(text) }
    #expect(error?.message.contains("cannot be read: \(reason); write it as in") == true, "\(error?.message ?? "")")
  }
}

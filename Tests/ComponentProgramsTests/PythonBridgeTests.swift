// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessRewardPlugin
import ProcessStagePlugin
import Testing

@Suite("PythonBridge", .timeLimit(.minutes(15)))
struct PythonBridgeTests {
  private func words(
    _ bridge: PythonBridge, _ file: String, _ trajectories: [Trajectory] = trajectories(4),
    log: LogSink = LogSink(), _ change: (inout ProcessReward.Options) -> Void = { _ in }
  ) async throws -> [String] {
    let scripts = try Scripts(["reward.py": file])
    let reward = try scripts.reward {
      $0.bridge = bridge
      change(&$0)
    }
    let words = try await reward.words(trajectories, log: log)
    await reward.close()
    return words
  }

  @Test("plain: a trajectory in, a number, a table or None out; prints are no answers")
  func plain() async throws {
    let file = """
      import os
      def score(trajectory, bonus=0):
          n = int(trajectory["response"])
          print("judging", n)
          os.system("echo from a child")
          if n == 0: return None
          if n == 1: return {"score": 0.5, "length": 7}
          if n == 2: raise ValueError("no unit")
          return n + bonus
      """
    let log = LogSink()
    let found = try await words(.plain, file, log: log) {
      let value = OptionTree(.number("0.25"), at: OptionTree.empty.location)
      $0.arguments = OptionTree(
        .table([.init(key: "bonus", location: value.location, value: value)]), at: value.location)
    }
    #expect(
      found == [
        "abstained: its score is null", "0.5 length=7.0", "failed: raised ValueError: no unit (reward.py:8)", "3.25",
      ])
    #expect(log.lines.prefix(2) == ["reward.py: judging 0", "reward.py: from a child"])
    #expect(log.lines.contains("reward.py: ValueError: no unit"))
  }

  @Test("easyr1: a list of dicts in, a list of dicts out; one that raises does not take the others with it")
  func easyr1() async throws {
    let file = """
      def compute_score(reward_inputs, format_weight=0.1):
          assert isinstance(reward_inputs, list)
          scores = []
          for one in reward_inputs:
              accuracy = 1.0 if one["response"] == one["ground_truth"] else 0.0
              if one["response"] == "1": raise KeyError("x")
              scores.append({"overall": (1 - format_weight) * accuracy, "accuracy": accuracy, "format": None})
          return scores
      """
    #expect(
      try await words(.easyr1, file)
        == ["0.0 accuracy=0.0", "failed: raised KeyError: 'x' (reward.py:6)", "0.0 accuracy=0.0", "0.9 accuracy=1.0"])
  }

  @Test("easyr1, sequential: one dict in, one dict out")
  func easyr1Sequential() async throws {
    let file = """
      REWARD_TYPE = "sequential"
      def compute_score(reward_input):
          return {"overall": float(reward_input["response_length"])}
      """
    var counted = trajectories(1)
    counted[0].set(.tokens, to: [7, 8, 9])
    #expect(try await words(.easyr1, file, counted) == ["3.0"])
    #expect(
      try await words(.easyr1, file, trajectories(1)) == [
        "failed: asks for response_length, which is counted in tokens: the record holds no 'tokens', and there is no "
          + "policy whose tokenizer counts them"
      ])
    #expect(
      try await words(.easyr1, "def compute_score(inputs): return [{'score': 1} for one in inputs]")
        == Array(repeating: "failed: the function's dict lacks 'overall': ['score']", count: 4))
  }

  @Test("verl: called by keyword, with the answer as ground_truth; a dict keeps its score apart")
  func verl() async throws {
    let file = """
      def compute_score(data_source, solution_str, ground_truth, extra_info=None):
          if extra_info: return {"score": 1, "source": data_source, "depth": extra_info["depth"]}
          return solution_str == ground_truth
      """
    let special = Trajectory(
      id: "x", group: "x",
      fields: [
        .response: "a", .answer: "b", Field("data_source"): "geo", Field("extra_info"): ["depth": 2],
      ])
    #expect(try await words(.verl, file, trajectories(4) + [special]) == ["0.0", "0.0", "0.0", "1.0", "1.0 depth=2.0"])
  }

  @Test("trl: columns in, numbers or None out; conversations are answered by messages")
  func trl() async throws {
    let file = """
      def _helper(text): return text
      def reward_func(completions, ground_truth, **kwargs):
          return [None if c == "0" else 1.0 if _helper(c) == g else 0.0 for c, g in zip(completions, ground_truth)]
      """
    #expect(try await words(.trl, file) == ["abstained: its score is null", "0.0", "0.0", "1.0"])
    let conversation = Trajectory(
      id: "x", group: "x",
      fields: [.prompt: [["role": "user", "content": "Hello"]], .response: "Good day", Field("level"): 3])
    let messages = """
      async def politeness(prompts, completions, level, **kwargs):
          assert prompts[0][0]["content"] == "Hello"
          return [len(c[0]["content"]) + l for c, l in zip(completions, level)]
      """
    #expect(try await words(.trl, messages, [conversation]) == ["11.0"])
    // Of the wrong number of scores none can be told apart; alone each has one.
    #expect(
      try await words(.trl, "def reward(completions, **kwargs): return [1.0] * (len(completions) + 1)")[3]
        == "failed: raised ValueError: the function returned 2 scores for 1 trajectories")
  }

  @Test("a file without the function says what to do")
  func missing() async throws {
    func message(_ bridge: PythonBridge, _ file: String, function: String = "") async -> String {
      do {
        return "\(try await words(bridge, file) { $0.function = function })"
      } catch {
        return "\(error)"
      }
    }
    let failed = "'reward.py' was started 5 times and answered nothing; it ended with status 2; its last words: "
    #expect(
      await message(.verl, "def score(): pass")
        == failed + "reward.py has no function 'compute_score'; name another with 'function'")
    #expect(
      await message(.trl, "def a(): pass\ndef b(): pass")
        == failed + "reward.py has the functions a, b; say which with 'function'")
    #expect(
      await message(.plain, "x = 1", function: "x") == failed
        + "reward.py has no function 'x'; name another with 'function'")
  }
}

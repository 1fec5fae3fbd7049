// SPDX-License-Identifier: Apache-2.0
import ComponentPrograms
import Foundation
import PipelineCore
import PipelineTesting
import ProcessRewardPlugin
import Testing

/// Functions in the shapes in which TRL, EasyR1, verl and Shuffle-R1 write them.
@Suite("PythonBridge: the shapes of reward functions", .timeLimit(.minutes(15)))
struct PythonBridgeShapeTests {
  private func words(
    _ bridge: PythonBridge, _ file: String, _ trajectories: [Trajectory] = trajectories(4), log: LogSink = LogSink(),
    policy: Policy? = nil, _ change: (inout ProcessReward.Options) -> Void = { _ in }
  ) async throws -> [String] {
    let scripts = try Scripts(["reward.py": file])
    let reward = try scripts.reward {
      $0.bridge = bridge
      change(&$0)
    }
    let context = StageContext(stage: "reward", step: 5, training: TrainingContext(policy: policy), sink: log)
    let words = try await reward.words(trajectories, in: context)
    await reward.close()
    return words
  }

  private func rollout(_ response: String, prompt: JSONValue = "What is 12 + 15?", tokens: [Int]? = nil) -> Trajectory {
    var trajectory = Trajectory(
      id: "x", group: "x", fields: [.prompt: prompt, .response: .string(response), .answer: "27"])
    if let tokens { trajectory.set(.tokens, to: .array(tokens.map { .number($0) })) }
    return trajectory
  }

  private func arguments(_ name: String, _ number: String) -> OptionTree {
    let value = OptionTree(.number(number), at: OptionTree.empty.location)
    return OptionTree(.table([.init(key: name, location: value.location, value: value)]), at: value.location)
  }

  @Test("trl: tokens are there without being asked for, and a factory is called with what it takes")
  func factory() async throws {
    let file = """
      class _Overlong:
          def __init__(self, most, cache): self.most, self.cache = most, cache
          def __call__(self, completion_ids, **kwargs):
              return [min(0.0, (self.most - self.cache - len(ids)) / self.cache) for ids in completion_ids]
      def get_overlong_reward(max_completion_len, soft_punish_cache=20):
          return _Overlong(max_completion_len, soft_punish_cache)
      """
    let long = rollout("…", tokens: Array(0..<90))
    let given = arguments("max_completion_len", "100")
    for fields: [Field] in [[], [.response]] {
      let found = try await words(.trl, file, [long]) {
        ($0.function, $0.arguments, $0.fields) = ("get_overlong_reward", given, fields)
      }
      #expect(found == ["-0.5"])
    }
    #expect(
      try await words(.trl, file, [rollout("…")]) { ($0.function, $0.arguments) = ("get_overlong_reward", given) } == [
        "failed: asks for completion_ids: the record holds no 'tokens', and there is no policy whose tokenizer makes them"
      ])
    let policy = ScriptedPolicy().policy
    let counted = try await words(
      .trl, file, [rollout("0123456789" + String(repeating: "a", count: 79))], policy: policy
    ) {
      ($0.function, $0.arguments) = ("get_overlong_reward", given)
    }
    #expect(counted == ["-0.5"])
    await #expect {
      _ = try await words(.trl, file) { $0.function = "get_overlong_reward" }
    } throws: {
      "\($0)".contains(
        "'get_overlong_reward' makes the function and needs max_completion_len; give them with 'arguments'")
    }
  }

  @Test("easyr1: the policy counts the tokens of a response that has none, its end included")
  func policyCounts() async throws {
    let file = """
      def compute_score(reward_inputs): return [{"overall": one.get("response_length")} for one in reward_inputs]
      """
    #expect(try await words(.easyr1, file, [rollout("0123456789")], policy: ScriptedPolicy().policy) == ["11.0"])
    // What nobody asks for is not missed.
    let other = "def compute_score(reward_inputs): return [{'overall': len(one)} for one in reward_inputs]"
    #expect(try await words(.easyr1, other, [rollout("a")]) == ["2.0"])
  }

  @Test("trl: a state of the trainer, and calls that log")
  func trainerState() async throws {
    let file = """
      def reward(completions, trainer_state, log_extra=None, log_metric=None, **kwargs):
          log_metric("length", 3.0); log_extra("text", completions)
          return [float(trainer_state.global_step)] * len(completions)
      """
    #expect(try await words(.trl, file, trajectories(2)) == ["5.0", "5.0"])
  }

  @Test(
    "trl: a function that reads messages gets them from a prompt of text, also one without a line end behind the last mark",
    arguments: ["completions: list[list[dict[str, str]]]", "completions"])
  func messages(parameter: String) async throws {
    let file = """
      import json
      def reward(prompts, \(parameter), **kwargs):
          assert completions[0][0]["role"] == "assistant"
          roles = [[message["role"] for message in prompt] for prompt in prompts]
          return [len(c[0]["content"]) + 10 * len(r) if r[-1] == "user" else -1 for c, r in zip(completions, roles)]
      """
    let chat =
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Hi<|im_end|>\n"
    for ending in ["<|im_start|>assistant", "<|im_start|>assistant\n", ""] {
      #expect(try await words(.trl, file, [rollout("abc", prompt: .string(chat + ending))]) == ["23.0"])
    }
    #expect(try await words(.trl, file, [rollout("abc")]) == ["13.0"])
    #expect(try await words(.trl, file, [rollout("abc", prompt: [["role": "user", "content": "Hi"]])]) == ["13.0"])
    let llama =
      "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    #expect(try await words(.trl, file, [rollout("abc", prompt: .string(llama))]) == ["13.0"])
  }

  @Test("trl: a function that reads text gets it, also where the prompts are messages")
  func texts() async throws {
    let file = """
      import re
      def reward(completions: list[str], **kwargs): return [float(bool(re.search("b", c))) for c in completions]
      """
    #expect(try await words(.trl, file, [rollout("abc", prompt: [["role": "user", "content": "Hi"]])]) == ["1.0"])
  }

  @Test("trl: NaN means that the function does not apply, as None does; infinity is a failure")
  func notANumber() async throws {
    let file = """
      def reward(completions, **kwargs): return [None, float("nan"), float("inf"), 1]
      """
    #expect(
      try await words(.trl, file) == [
        "abstained: its score is null", "abstained: its score is NaN, as of a function that does not apply",
        "failed: its score is inf, which is not finite", "1.0",
      ])
  }

  @Test(
    "verl, Shuffle-R1 and earlier EasyR1: response and answer by whatever names",
    arguments: [
      (
        PythonBridge.verl,
        "compute_score(predict_str: str, ground_truth: str, use_boxed: bool = True) -> float: return float(predict_str == ground_truth)"
      ),
      (.verl, "compute_score(model_output, ground_truth, timeout_score=0): return model_output == ground_truth"),
      (.verl, "compute_score(solution, answer): return solution == answer"),
      (.verl, "compute_score(answer, ground_truth): return answer == ground_truth"),
      (.verl, "compute_score(a, b): return a == b"), (.verl, "compute_score(a, b, /): return a == b"),
      (.verl, "compute_score(source, text, truth): return text == truth and source == ''"),
      (
        .verl,
        "compute_score(data_source, solution_str, ground_truth, extra_info=None): return solution_str == ground_truth and extra_info == {}"
      ),
      (
        .verl,
        "compute_score(data_source, solution_str, ground_truth, extra_info): return solution_str == ground_truth and len(extra_info) == 0"
      ),
      (
        .verl,
        "compute_score(solution_str, ground_truth, **kwargs): return solution_str == ground_truth and kwargs['extra_info'] == {}"
      ),
      (.verl, "compute_score(**kwargs): return kwargs['solution_str'] == kwargs['ground_truth']"),
      (
        .verl,
        "compute_score_batched(data_sources, solution_strs, ground_truths, extra_infos): return [a == b and x == {} for a, b, x in zip(solution_strs, ground_truths, extra_infos, strict=True)]"
      ),
      (.verl, "math_compute_score(predict_str, ground_truth): return {'overall': float(predict_str == ground_truth)}"),
      (
        .easyr1, "math_compute_score(predict_str, ground_truth): return {'overall': float(predict_str == ground_truth)}"
      ),
      (
        .easyr1,
        "compute_score(predicts, ground_truths, format_weight=0.1): return [{'overall': float(a == b)} for a, b in zip(predicts, ground_truths, strict=True)]"
      ),
    ] as [(PythonBridge, String)])
  func names(bridge: PythonBridge, function: String) async throws {
    #expect(try await words(bridge, "def \(function)") == ["0.0", "0.0", "0.0", "1.0"])
  }

  @Test("values of other kinds are numbers where they can be; where not, that item fails, or that part is left out")
  func values() async throws {
    let file = """
      from decimal import Decimal
      from fractions import Fraction
      class Array:
          def __init__(self, value): self.value = value
          def item(self): return self.value
      VALUES = [
          Decimal("0.5"), Fraction(1, 4), Array(True), float("nan"), 10 ** 400, "1.0", object, 1 + 2j, [1],
          {"score": 1, "good": Decimal("1.5"), "bad": Array(float("nan")), "text": "C", "odd": object, "none": None},
          {"score": Decimal("NaN")}, float("-inf"),
      ]
      def score(trajectory): return VALUES[int(trajectory["response"])]
      """
    let log = LogSink()
    let found = try await words(.plain, file, trajectories(12), log: log)
    #expect(
      found == [
        "0.5", "0.25", "1.0", "failed: its score is nan, which is not finite",
        "failed: its score is too large a number",
        "failed: its score is str '1.0', it must be a number",
        "failed: its score is type <class 'object'>, it must be a number",
        "failed: its score is complex (1+2j), it must be a number",
        "failed: its score is list [1], it must be a number",
        "1.0 good=1.5", "failed: its score is nan, which is not finite",
        "failed: its score is -inf, which is not finite",
      ])
    #expect(log.lines.contains("reward.py: the part 'bad' of 't9' is nan, which is not finite; it is left out"))
    #expect(
      log.lines.contains(
        "reward.py: the part 'odd' of 't9' is type <class 'object'>, it must be a number; it is left out"))
  }

  @Test("an exception is named with its message and the line of the user's file nearest to it; leaving is one too")
  func exceptions() async throws {
    let file = """
      import json, sys
      def inner(text):
          return json.loads(text)
      def score(trajectory):
          if trajectory["response"] == "0": return inner("{")
          if trajectory["response"] == "1": sys.exit(3)
          if trajectory["response"] == "2": raise RuntimeError("two\\nlines")
          return 1
      """
    #expect(
      try await words(.plain, file) == [
        "failed: raised JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) "
          + "(reward.py:3)", "failed: raised SystemExit: 3 (reward.py:6)",
        "failed: raised RuntimeError: two lines (reward.py:7)", "1.0",
      ])
  }

  @Test("a file may import its only function, lie in a package, and be called like a library that it uses")
  func files() async throws {
    let scripts = try Scripts([
      "imports.py": "from helper import format_reward",
      "helper.py": "def format_reward(completions, **kwargs): return [1.0] * len(completions)",
      "decimal.py": "from decimal import Decimal\ndef score(trajectory): return Decimal('0.5')",
    ])
    let package = scripts.folder + "/package"
    try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
    for (name, text) in [
      "__init__.py": "import a_trainer_that_is_not_there",
      "batch.py": "from .one import compute_score as one\n"
        + "def compute_score(solution_str, ground_truth): return one(solution_str, ground_truth)",
      "one.py": "def compute_score(a, b): return float(a == b)",
    ] { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(package)/\(name)")) }
    for (bridge, file, score) in [
      (PythonBridge.trl, "imports.py", "1.0"), (.plain, "decimal.py", "0.5"), (.verl, "package/batch.py", "0.0"),
    ] {
      let reward = try scripts.reward {
        $0.command = ProgramCommand(["python3", file])
        $0.bridge = bridge
      }
      #expect(try await reward.words(trajectories(1)) == [score], "\(file)")
      await reward.close()
    }
  }
}

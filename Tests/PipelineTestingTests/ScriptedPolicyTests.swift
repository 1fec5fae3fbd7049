// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing

@Suite("ScriptedPolicy, and what works with any policy", .timeLimit(.minutes(15)))
struct ScriptedPolicyTests {
  private func prompt(_ name: String, _ text: String, _ fields: KeyValuePairs<Field, JSONValue> = [:]) -> Trajectory {
    var prompt = Trajectory(id: name, group: name, fields: fields)
    prompt.set(.prompt, to: .string(text))
    return prompt
  }

  private func rollouts(
    of prompts: [Trajectory], from policy: ScriptedPolicy, _ change: (inout RolloutSampler.Options) -> Void = { _ in }
  ) async throws -> [RolloutSampler.Outcome] {
    var options = RolloutSampler.Options()
    change(&options)
    return try await RolloutSampler(sampler: policy.sampler, options: options).rollouts(of: prompts)
  }

  private func made(_ outcome: RolloutSampler.Outcome) -> [Trajectory] {
    if case .rollouts(let rollouts, _) = outcome { rollouts } else { [] }
  }

  @Test("answers come in turn, and each rollout says how it was made")
  func answers() async throws {
    let policy = ScriptedPolicy(answers: ["3 + 4?": ["7", "8"]])
    let outcomes = try await rollouts(of: [prompt("sum", "3 + 4?"), prompt("other", "?")], from: policy) {
      $0.count = 3
      $0.sampling.temperature = 0.5
    }
    let sums = made(outcomes[0])
    #expect(sums.map(\.id) == ["sum/0", "sum/1", "sum/2"])
    #expect(try sums.map { try $0.response } == ["7", "8", "7"])
    #expect(try sums[0].tokenIDs(of: .tokens) == [55, ScriptedPolicy.endToken])
    #expect(try sums[0].finish == "stop")
    #expect(try sums[0].value(of: .sampling)?["temperature"] == 0.5)
    #expect(try made(outcomes[1]).map { try $0.response } == ["ok", "ok", "ok"])
    let seeds = try (sums + made(outcomes[1])).map { try $0.value(of: .sampling)?["seed"]?.intValue }
    #expect(Set(seeds).count == 6)
    let alone = try await rollouts(of: [prompt("other", "?")], from: policy) { $0.count = 3 }
    #expect(try made(alone[0]).map { try $0.value(of: .sampling)?["seed"]?.intValue } == Array(seeds[3...]))
  }

  @Test("a response is cut at the most tokens, and ends with a stop text")
  func ends() async throws {
    let policy = ScriptedPolicy(otherwise: ["one two three"])
    let cut = try await rollouts(of: [prompt("a", "?")], from: policy) { $0.sampling.maxTokens = 5 }
    #expect(try made(cut[0])[0].response == "one t")
    #expect(try made(cut[0])[0].finish == "length")
    let stopped = try await rollouts(of: [prompt("a", "?")], from: policy) { $0.sampling.stop = ["two"] }
    #expect(try made(stopped[0])[0].response == "one two")
    #expect(try made(stopped[0])[0].finish == "stop")
  }

  @Test("what is generated is scored the same; after a step, otherwise")
  func logProbs() async throws {
    let policy = ScriptedPolicy(otherwise: ["first", "second"])
    let rollouts = made(try await rollouts(of: [prompt("a", "?")], from: policy) { $0.count = 2 }[0])
    func scored() async throws -> [JSONValue?] {
      try await LogProbScorer(source: policy, codec: policy, field: .oldLogprobs).score(rollouts).map { outcome in
        guard case .scored(let trajectory, _) = outcome else { return nil }
        return try trajectory.value(of: .oldLogprobs)
      }
    }
    let sampled = try rollouts.map { try $0.value(of: .logprobs) }
    #expect(try await scored() == sampled)
    #expect(sampled[0] != sampled[1])
    _ = try await policy.step(OptimizerStep(learningRate: 1))
    #expect(try await scored() != sampled)
  }

  @Test("it remembers gradients, steps and checkpoints in order")
  func calls() async throws {
    let policy = ScriptedPolicy()
    let group = ResponseGroup(prompt: EncodedPrompt(tokens: [1]), responses: [[2, 3], [4]])
    try await policy.accumulate([group], temperature: 1) { place, logProbs in
      logProbs.map { _ in place.response == 0 ? 0 : 2 }
    }
    let report = try await policy.step(OptimizerStep(learningRate: 0.1))
    await policy.save(to: "checkpoints/1")
    #expect(report == OptimizerReport(gradientNorm: 2, steps: 1))
    let calls = await policy.calls
    guard calls.count == 3, case .accumulate(_, 1, [[[0, 0], [2]]]) = calls[0], case .step(let step) = calls[1],
      case .save("checkpoints/1") = calls[2]
    else {
      Issue.record("\(calls)")
      return
    }
    #expect(step.learningRate == 0.1)
    try await policy.accumulate([group], temperature: 1) { _, logProbs in logProbs.map { _ in .nan } }
    await #expect(throws: PipelineError.self) { try await policy.step(OptimizerStep(learningRate: 0.1)) }
    #expect(await policy.steps == 1)
  }

  @Test("a prompt that cannot be used fails alone, and so does one without an image's place")
  func failures() async throws {
    let policy = ScriptedPolicy(failures: ["bad": "this one is broken"])
    let outcomes = try await rollouts(
      of: [
        prompt("a", "bad"), prompt("b", "good"), prompt("c", "text", [.images: ["x.png"]]),
        Trajectory(id: "d", group: "d"),
      ], from: policy)
    let reasons = outcomes.map { if case .failed(let reason) = $0 { reason } else { "" } }
    #expect(
      reasons == [
        "this one is broken", "",
        "the record names 1 images, but its prompt has 0 image parts without an address; put "
          + "{\"type\": \"image\"} where each image goes", "the record has neither 'prompt' nor 'prompt_tokens'",
      ])
  }

  @Test("prompts that are too long are errors, left out, or cut in the middle of their text")
  func tooLong() async throws {
    let policy = ScriptedPolicy(contextLength: 40)
    let long = prompt("a", "beginning " + String(repeating: "x", count: 30) + " end")
    func outcome(_ tooLong: RolloutSampler.TooLong, limit: Int = 0) async throws -> RolloutSampler.Outcome {
      try await rollouts(of: [long], from: policy) {
        $0.tooLong = tooLong
        $0.sampling.maxPromptTokens = limit
        $0.sampling.maxTokens = 10
      }[0]
    }
    guard case .failed(let reason) = try await outcome(.error), case .skipped = try await outcome(.skip),
      case .rollouts(let rollouts, .cut) = try await outcome(.cut)
    else {
      Issue.record("unexpected")
      return
    }
    #expect(
      reason
        == "the prompt has 44 tokens; the model's context of 40 has room for 30 beside a response of 10; shorten it, "
        + "lower sampling.max_tokens, or cut such prompts")
    guard case .failed(let limited) = try await outcome(.error, limit: 20),
      case .skipped = try await outcome(.skip, limit: 20)
    else {
      Issue.record("unexpected")
      return
    }
    #expect(
      limited
        == "the prompt has 44 tokens; max_prompt_tokens allows 20; shorten it, raise max_prompt_tokens, or cut such prompts"
    )
    let tokens = try #require(try rollouts[0].tokenIDs(of: .promptTokens))
    #expect(await policy.decode(tokens) == "beginning xxxxx" + "xxxxxxxxxxx end")
  }

  @Test("shortening keeps marks and images, makes long runs equally long, and gives up where that is not enough")
  func shortening() {
    let marks: Set<Int32> = [0]
    let prompt = EncodedPrompt(
      tokens: Array(1...20) + [0, 0, 0] + Array(21...50) + [0] + [51, 52], images: ["a"], folder: "f")
    #expect(prompt.shortened(to: 56, marks: marks) == prompt)
    for limit in 22...56 {
      let shorter = prompt.shortened(to: limit, marks: marks)
      #expect(shorter?.tokens.count == limit)
      #expect(shorter?.tokens.count { $0 == 0 } == 4)
      #expect(shorter?.tokens.prefix(4) == [1, 2, 3, 4])
      #expect(shorter?.tokens.suffix(6) == [48, 49, 50, 0, 51, 52])
      #expect(shorter?.images == ["a"])
    }
    #expect(prompt.shortened(to: 32, marks: marks)?.tokens.filter { (1...20).contains($0) }.count == 13)
    #expect(prompt.shortened(to: 21, marks: marks) == nil)
  }

  @Test("a prompt's images: of the parts, of `images`, beside tokens")
  func images() throws {
    let parts: JSONValue = [
      [
        "role": "user",
        "content": [["type": "image"], ["type": "text", "text": "and"], ["type": "image", "image": "b"]],
      ]
    ]
    var record = Trajectory(id: "a", group: "a", fields: [.prompt: parts, .images: [["path": "a"]]])
    let placed: JSONValue = [
      [
        "role": "user",
        "content": [
          ["type": "image", "image": "a"], ["type": "text", "text": "and"], ["type": "image", "image": "b"],
        ],
      ]
    ]
    #expect(try PolicyPrompt(record, folder: "f") == PolicyPrompt(placed, folder: "f"))
    record.set(.promptTokens, to: [1, 2])
    #expect(try PolicyPrompt(record, folder: "") == PolicyPrompt(.tokens([1, 2], images: ["a", "b"])))
    record.set(.images, to: nil)
    record.set(.prompt, to: placed)
    #expect(try PolicyPrompt(record, folder: "") == PolicyPrompt(.tokens([1, 2], images: ["a", "b"])))
    record.set(.promptTokens, to: [1, -2])
    #expect(throws: PipelineError.self) { try PolicyPrompt(record, folder: "") }
  }

  @Test(
    "the size that is asked of an image arrives: from its part, from `images`, beside tokens; the part's comes first")
  func sizes() throws {
    let parts: JSONValue = [
      [
        "role": "user",
        "content": [
          ["type": "image", "max_pixels": 784], ["type": "image"],
          ["type": "image_url", "image_url": ["url": "c", "min_pixels": 3136, "max_pixels": 6272]],
        ],
      ]
    ]
    let named: JSONValue = [
      ["path": "a", "max_pixels": 99], ["path": "b", "resized_height": 56, "resized_width": 28],
    ]
    var record = Trajectory(id: "a", group: "a", fields: [.prompt: parts, .images: named])
    let wanted = [
      ImageReference("a", sizing: .pixels(atLeast: nil, atMost: 784)),
      ImageReference("b", sizing: .size(height: 56, width: 28)),
      ImageReference("c", sizing: .pixels(atLeast: 3136, atMost: 6272)),
    ]
    guard case .messages(let messages) = try PolicyPrompt(record, folder: "").content else {
      Issue.record("no messages")
      return
    }
    #expect(try ChatMessage.images(in: messages).map { try $0.reference } == wanted)
    record.set(.promptTokens, to: [1, 2, 3])
    #expect(try PolicyPrompt(record, folder: "") == PolicyPrompt(.tokens([1, 2, 3], images: wanted)))
    record.set(.prompt, to: nil)
    #expect(
      try PolicyPrompt(record, folder: "")
        == PolicyPrompt(
          .tokens(
            [1, 2, 3], images: [ImageReference("a", sizing: .pixels(atLeast: nil, atMost: 99)), wanted[1]])))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("Runs that sample with narrow weights", .timeLimit(.minutes(15)))
struct RolloutWeightRunTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox.withTraining() }

  private func command(_ weights: String) -> String {
    "shuffle-r1 run simple.json -q --set policy.with.rollout_weights=\(weights)"
  }

  @Test("the same bytes on any threads and after a resume, corrected and measured", arguments: ["bfloat16", "int8"])
  func run(_ weights: String) throws {
    try sandbox.output("\(command(weights)) -o whole")
    let whole = sandbox.training(in: "whole")
    for threads in [1, 7] {
      try sandbox.output("\(command(weights)) -o part-\(threads) --threads \(threads)")
      #expect(sandbox.training(in: "part-\(threads)") == whole)
    }
    try sandbox.output(
      """
      \(command(weights)) -o part --set training.steps=2
      \(command(weights)) -o part --resume --accept-changes
      """)
    #expect(sandbox.training(in: "part") == whole)
    for metrics in try sandbox.records(in: "whole/metrics.jsonl") {
      let gap = try #require(metrics["actor/sampler_gap"]?.doubleValue)
      let share = try #require(metrics["actor/sampler_ess"]?.doubleValue)
      // A model of random weights this small moves by a tenth of a nat at most; the ratios are next to 1.
      #expect(gap < 0.1 && share > 0.9 && share <= 1)
      #expect(metrics["actor/sampler_limited"]?.doubleValue == 0)
    }
    // The model is in BF16: only once it has learned does rounding change it.
    let gaps = try sandbox.records(in: "whole/metrics.jsonl").compactMap { $0["actor/sampler_gap"]?.doubleValue }
    #expect(gaps.dropFirst().allSatisfy { $0 > 0 })
  }

  @Test("records say so, log-probabilities before the step are computed, and the correction can be turned off")
  func records() throws {
    let stages = """
      --set 'stages=[{"use": "rollout", "with": {"n": 8, "sampling": {"max_tokens": 3}}},
        {"use": "reward", "with": {"functions": ["exact"]}}, "advantage",
        {"use": "update", "with": {"learning_rate": {"rate": 1e-3}}}, {"use": "tap", "name": "after"}]'
      """
    try sandbox.output(
      """
      \(command("int8")) -o narrow \(stages)
      shuffle-r1 run simple.json -q -o exact \(stages)
      \(command("int8")) -o free \(stages) --set stages.update.importance.level=none
      """)
    let narrow = try sandbox.records(in: "narrow/taps/after.jsonl")
    #expect(narrow.allSatisfy { $0["sampling"]?["weights"] == "int8" && $0["old_logprobs"] != $0["logprobs"] })
    #expect(narrow.contains { $0["old_logprobs"] != nil })
    let exact = try sandbox.records(in: "exact/taps/after.jsonl")
    #expect(exact.allSatisfy { $0["sampling"]?["weights"] == nil && $0["old_logprobs"] == nil })
    let free = try sandbox.records(in: "free/metrics.jsonl")
    #expect(free.allSatisfy { $0["actor/sampler_gap"] == nil })
  }

  @Test("a run that only samples, and generate, honour it")
  func sampling() throws {
    let stages = #"--set 'stages=[{"use": "rollout", "with": {"n": 4, "sampling": {"max_tokens": 3}}}]'"#
    try sandbox.output("\(command("int8")) -o narrow \(stages) --set training.steps=1")
    #expect(try sandbox.records(in: "narrow/selected.jsonl").allSatisfy { $0["sampling"]?["weights"] == "int8" })
    let policy = #"{"use": "bundled", "with": {"model": "model", "rollout_weights": "int8"}}"#
    try sandbox.output(
      "shuffle-r1 generate prompts.jsonl --policy '\(policy)' -n 2 --max-tokens 3 -q -o generated.jsonl")
    #expect(try sandbox.records(in: "generated.jsonl").allSatisfy { $0["sampling"]?["weights"] == "int8" })
  }

  @Test("beside adapters it is refused with the reason, and a wrong name with those that there are")
  func refused() throws {
    let adapters = try sandbox.run(
      "shuffle-r1 check simple.json --set policy.with.rollout_weights=int8 --set policy.with.lora.rank=4")
    #expect(adapters.status == 2)
    #expect(
      adapters.errors.contains(
        "'rollout_weights' is int8, but with 'lora' the weights stay in the model's files as they are"))
    let wrong = try sandbox.run("shuffle-r1 check simple.json --set policy.with.rollout_weights=int4")
    #expect(wrong.errors.contains("'rollout_weights' must be one of 'float32', 'bfloat16', 'int8', found 'int4'"))
    let memory = try sandbox.output("shuffle-r1 check simple.json --set policy.with.rollout_weights=int8")
    #expect(memory.contains("weights for rollouts"))
  }
}

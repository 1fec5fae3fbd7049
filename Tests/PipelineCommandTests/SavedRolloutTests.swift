// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("Training without generating", .timeLimit(.minutes(15)), .ownThreads)
struct SavedRolloutTests {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox.withTraining()
    try sandbox.output(
      "shuffle-r1 generate --model model --n 8 --top-k 2 --max-tokens 3 -q prompts.jsonl > rollouts.jsonl")
    try sandbox.write(
      "saved.json",
      """
      {
        "policy": {"use": "bundled", "with": {"model": "model"}},
        "source": {"rollouts": "rollouts.jsonl", "provides": ["answer", "logprobs"], "batch": {"groups": 3}},
        "stages": [
          {"use": "reward", "with": {"functions": ["exact"]}},
          "advantage", {"use": "pairwise-sample", "with": {"keep": 0.5}}, {"use": "shuffle", "with": {"rounds": 4}},
          {"use": "update", "with": {
            "minibatches": 2, "learning_rate": {"rate": 1e-3}, "importance": {"level": "token"}}}
        ],
        "training": {"checkpoints": {"every": 1}}
      }
      """)
    try sandbox.write(
      "warm.json",
      """
      {
        "policy": {"use": "bundled", "with": {"model": "model"}},
        "source": {"rollouts": "given.jsonl", "batch": {"groups": 4}, "order": "shuffled", "epochs": 2},
        "stages": [{"use": "update", "with": {"loss": "nll", "learning_rate": {"rate": 2e-3}}}],
        "training": {"checkpoints": {"every": 1}}
      }
      """)
    let given = try sandbox.records(in: "prompts.jsonl").map { prompt in
      let id = prompt["id"] ?? .null
      return JSONValue.object([
        .init("id", id), .init("group", id), .init("prompt", prompt["prompt"] ?? .null),
        .init("response", "How many circles"),
      ]).json
    }
    try sandbox.write("given.jsonl", given.joined(separator: "\n") + "\n")
  }

  /// A figure of each step.
  private func figures(_ name: String, of run: String) throws -> [Double] {
    try sandbox.records(in: "\(run)/metrics.jsonl").compactMap { $0[name]?.doubleValue }
  }

  @Test("saved rollouts train, and a run that stopped goes on to the same bytes", arguments: ["saved", "warm"])
  func resumes(_ spec: String) throws {
    try sandbox.output("shuffle-r1 run \(spec).json -q -o whole --threads 1")
    #expect(sandbox.completeSteps(of: "whole") == 4)
    for steps in 1...3 {
      try sandbox.output(
        """
        rm -rf part; shuffle-r1 run \(spec).json -q -o part --set training.steps=\(steps)
        shuffle-r1 run \(spec).json -q -o part --resume --accept-changes --threads 2
        """)
      #expect(sandbox.training(in: "part") == sandbox.training(in: "whole"), "stopped after \(steps) steps")
    }
  }

  @Test("supervised training learns what it is given, an epoch in its own order each")
  func warmStart() throws {
    try sandbox.output("shuffle-r1 run warm.json -q -o warm --set source.epochs=10")
    let loss = try figures("actor/pg_loss", of: "warm")
    #expect(loss.count == 20)
    #expect(try #require(loss.last) < 0.5 * loss[0])
    let orders = try sandbox.records(in: "warm/selected.jsonl").map { $0["id"]?.stringValue ?? "" }
    #expect(Set(orders[..<8]).count == 8)
    #expect(orders[..<8] != orders[8..<16])
    // What was learnt is what the policy says.
    let said = try sandbox.output(
      "shuffle-r1 generate --model warm/checkpoints/latest --temperature 0 --max-tokens 12 -q prompts.jsonl")
    let before = try sandbox.output(
      "shuffle-r1 generate --model model --temperature 0 --max-tokens 12 -q prompts.jsonl")
    func count(_ text: String) throws -> Int {
      try sandbox.records(text).count { $0["response"]?.stringValue?.contains("ow many") == true }
    }
    #expect(try count(said) > count(before))
  }

  @Test("rollouts of another engine count by the ratio of their probabilities")
  func importance() throws {
    try sandbox.output("shuffle-r1 run saved.json -q -o plain --set stages.update.importance.level=none")
    try sandbox.output("shuffle-r1 run saved.json -q -o same")
    // The first step's rollouts are this policy's own: every ratio is 1 but for rounding.
    let (plain, same) = (try figures("actor/pg_loss", of: "plain"), try figures("actor/pg_loss", of: "same"))
    // A ratio errs as its log-probabilities do, and counts by the advantage: of 8 responses √7 deviations at most.
    let bound = try sandbox.logProbBound("shuffle-r1 logprobs --model model -q rollouts.jsonl")
    #expect(abs(plain[0] - same[0]) < 7.0.squareRoot() * bound)
    #expect(plain != same)
    // As if they had been sampled with half the probability: the ratios are 2, which is the cap.
    let lines = try sandbox.records(in: "rollouts.jsonl").map { record -> String in
      guard case .object(let members) = record else { return record.json }
      return JSONValue.object(
        members.map { member in
          guard member.key == "logprobs" else { return member }
          return .init("logprobs", .array(record.numbers("logprobs").map { .number($0 - 0.6931471805599453) }))
        }
      ).json
    }
    try sandbox.write("half.jsonl", lines.joined(separator: "\n") + "\n")
    try sandbox.output("shuffle-r1 run saved.json -q -o half --set source.rollouts=half.jsonl")
    let half = try figures("actor/grad_norm", of: "half")
    #expect(abs(half[0] - 2 * (try figures("actor/grad_norm", of: "same"))[0]) < 1e-2 * half[0])
    let unknown = try sandbox.run(
      "sed 's/\"logprobs\":[^]]*],//' rollouts.jsonl > bare.jsonl; "
        + "shuffle-r1 run saved.json -q -o bare --set source.rollouts=bare.jsonl")
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("the source provides 'logprobs', but this record has no such key"))
  }

  @Test("reweighting trains on every pair once, with weights in the place of draws")
  func reweight() throws {
    try sandbox.output(
      "shuffle-r1 run saved.json -q -o weighed --set stages.shuffle.mode=reweight; shuffle-r1 run saved.json -q -o drawn"
    )
    let records = try sandbox.records(in: "weighed/selected.jsonl")
    #expect(records.allSatisfy { $0["draws"] == nil && $0["loss_weight"] != nil })
    let (weighed, drawn) = (
      try figures("data/trained_distinct", of: "weighed"), try figures("data/trained_distinct", of: "drawn")
    )
    #expect(try figures("data/trained_trajectories", of: "weighed") == weighed)
    #expect(zip(weighed, drawn).allSatisfy { $0 >= $1 })
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import Testing

@Suite("Records that cannot be trained on", .timeLimit(.minutes(15)))
struct UnusableRecordTests {
  static let losses = ["clip", "gspo", "gspo-token", "cispo", "sapo", "reinforce", "nll"]

  /// A fault of a record, and the reason that names it.
  struct Fault: Sendable, CustomTestStringConvertible {
    let reason: String
    let change: @Sendable (inout Trajectory) -> Void

    init(_ reason: String, _ change: @escaping @Sendable (inout Trajectory) -> Void) {
      (self.reason, self.change) = (reason, change)
    }

    var testDescription: String { reason }
  }

  static let faults = [
    Fault("the record has neither 'prompt' nor 'prompt_tokens'") { $0.set(.prompt, to: nil) },
    Fault("the record has neither 'tokens' nor 'response'") { $0.set(.response, to: nil) },
    Fault("prompt: is a number, it must be an array of messages or a string") { $0.set(.prompt, to: 7) },
    Fault("prompt: message 0, part 0 is a video; only text and images are supported") {
      $0.set(.prompt, to: [["role": "user", "content": [["type": "video"]]]])
    },
    Fault("prompt: message 0 has no role") { $0.set(.prompt, to: [["content": "p"]]) },
    Fault(
      "the record names 2 images, but its prompt has 0 image parts without an address; put {\"type\": \"image\"} where "
        + "each image goes"
    ) { $0.set(.images, to: ["a.png", "b.png"]) },
    Fault(
      "'images' names other pictures than the image parts of the prompt, which have addresses of their own; keep one of the "
        + "two"
    ) {
      $0.set(.images, to: ["a.png"])
      $0.set(.prompt, to: [["role": "user", "content": [["type": "image", "image": "b.png"]]]])
    },
    Fault("the image is missing") { $0.set(.prompt, to: "broken") },
    Fault("the response holds the token id 999999, but the vocabulary ends at 257") {
      $0.set(.tokens, to: [999_999, 4])
    },
    Fault("'tokens' must be an array of token ids, found -1 in it") { $0.set(.tokens, to: [3, -1]) },
    Fault("'prompt_tokens' must be an array of token ids, found a string") { $0.set(.promptTokens, to: "p") },
    Fault("prompt and response have 43 tokens, more than the model's context of 40") {
      $0.set(.response, to: .string(String(repeating: "x", count: 41)))
    },
    Fault("'sampling.temperature' is -1, it must be a number from 0 on") { $0.set(.sampling, to: ["temperature": -1]) },
    Fault("'sampling.temperature' is \"hot\", it must be a number from 0 on") {
      $0.set(.sampling, to: ["temperature": "hot"])
    },
    Fault(
      "'loss_mask' must be an array of 4 truth values, one for each token of the response, found 1 elements"
    ) { $0.set(.lossMask, to: [1]) },
    Fault("'loss_mask' holds 2, it must hold true, false, 1 and 0") { $0.set(.lossMask, to: [1, 1, 2, 1]) },
    Fault("'advantages' has 1 numbers for a response of 4 tokens; it must have one for each") { $0.advantages = [1] },
  ]

  @Test("one unusable record is dropped with its reason, whatever the loss, and the others are trained on")
  func everyLoss() async throws {
    for loss in Self.losses {
      for fault in Self.faults {
        var update = try Update(loss)
        update.policy = ScriptedPolicy(failures: ["broken": "the image is missing"], contextLength: 40)
        let outcome = try await update.run([
          .response("x", advantage: 1), .response("bad", advantage: 1, fault.change), .response("yz", advantage: -1),
        ])
        #expect(outcome.passes.flatMap(\.texts) == ["x", "yz"], "\(loss): \(fault.reason)")
        #expect(outcome.steps.count == 1)
        #expect(outcome.batch.trajectories.map(\.id) == ["x", "yz"])
        #expect(outcome.batch.drops.map(\.rule) == ["unusable"])
        #expect(outcome.batch.drops.map(\.trajectory.id) == ["bad"])
        #expect(
          outcome.warnings.map(\.message) == [
            "1 of 3 trajectories cannot be trained on; the first, 'bad': \(fault.reason)"
          ], "\(loss)")
      }
    }
  }

  @Test("a record is looked at even where its old log-probabilities are known", arguments: losses)
  func knownLogProbs(_ loss: String) async throws {
    let update = try Update(loss)
    func sampled(_ id: String, token: Int) -> Trajectory {
      .response(id, advantage: 1) {
        $0.set(.tokens, to: [.number(token), 256])
        $0.set(.logprobs, to: [-1, -1])
        $0.set(.policyVersion, to: 0)
      }
    }
    let outcome = try await update.run([sampled("x", token: 120), sampled("bad", token: 258)])
    #expect(outcome.passes.flatMap(\.texts) == ["x"])
    #expect(outcome.batch.drops.map(\.trajectory.id) == ["bad"])
  }

  @Test("where no record is left, the step fails and says why", arguments: losses)
  func none(_ loss: String) async throws {
    let update = try Update(loss)
    let error = await #expect(throws: PipelineError.self) {
      try await update.run([.response("bad", advantage: 1) { $0.set(.tokens, to: [999_999]) }])
    }
    #expect(
      error?.message
        == "none of the 1 trajectories can be trained on; the first, 'bad': the response holds the token id 999999, but the "
        + "vocabulary ends at 257")
    #expect(await update.policy.steps == 0)
  }
}

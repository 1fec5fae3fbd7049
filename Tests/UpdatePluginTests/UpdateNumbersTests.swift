// SPDX-License-Identifier: Apache-2.0
import Foundation
import LossesPlugin
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

@Suite("update: gradients and figures, computed by hand", .timeLimit(.minutes(15)))
struct UpdateNumbersTests {
  @Test("the clipped loss compares with the policy before the first update, in every epoch")
  func clip() async throws {
    let outcome = try await Update("clip", epochs: 3).run([
      .response("abc", advantage: 1), .response("de", advantage: -2),
    ])
    #expect(outcome.scored == [2])
    for (epoch, pass) in outcome.passes.enumerated() {
      for (index, (text, advantage)) in [("abc", 1.0), ("de", -2.0)].enumerated() {
        let old = try await Update.logProbs(text, afterSteps: 0)
        let now = try await Update.logProbs(text, afterSteps: epoch)
        for token in old.indices {
          // Seven tokens; the ratio counts unless it has gone beyond its limit in the direction of the advantage.
          let ratio = exp(now[token] - old[token])
          let isClipped = advantage > 0 ? ratio > 1.2 : ratio < 0.8
          let expected = isClipped ? 0 : -advantage * ratio / 7
          #expect(abs(Double(pass.gradients[index][token]) - expected) < 1e-6)
        }
      }
    }
    let first = try #require(outcome.passes.first)
    #expect(first.gradients.joined().allSatisfy { $0 != 0 })
    #expect(try #require(outcome.passes.last).gradients.joined().contains(0))
  }

  @Test("old log-probabilities come from the rollout where this policy sampled it, else they are computed and kept")
  func oldLogProbs() async throws {
    let sampled: [JSONValue] = [-0.5, -0.25, -1]
    func rollout(_ text: String, version: Int) -> Trajectory {
      .response(text, advantage: 1) {
        $0.set(.tokens, to: .array((Array(text.utf8).map { Int($0) } + [256]).map { .number($0) }))
        $0.set(.logprobs, to: .array(Array(sampled.prefix(text.utf8.count + 1))))
        $0.set(.policyVersion, to: .number(version))
      }
    }
    var update = try Update("clip")
    update.version = 4
    let outcome = try await update.run([rollout("ab", version: 4), rollout("cd", version: 3)])
    #expect(outcome.scored == [1])
    #expect(outcome.batch[0].has(.oldLogprobs) == false)
    let now = try await Update.logProbs("ab", afterSteps: 0)
    for (token, old) in [-0.5, -0.25, -1.0].enumerated() {
      let ratio = exp(now[token] - old)
      #expect(abs(Double(outcome.passes[0].gradients[0][token]) - (ratio > 1.2 ? 0 : -ratio / 6)) < 1e-6)
    }
    let computed = try #require(try outcome.batch[1].value(of: .oldLogprobs)?.arrayValue)
    let expected = try await Update.logProbs("cd", afterSteps: 0)
    #expect(zip(computed, expected).allSatisfy { abs(($0.doubleValue ?? 9) - $1) < 1e-6 })
    update.options.oldLogProbs = .recompute
    #expect(try await update.run([rollout("ab", version: 4), rollout("cd", version: 3)]).scored == [2])
  }

  @Test("a token that another engine sampled counts by the ratio of its probabilities, up to the cap")
  func importance() async throws {
    let old = try await Update.logProbs("ab", afterSteps: 0)
    // The ratios of old to sampling probability: 0.6, 1.5 and 8.
    let sampled = zip(old, [0.6, 1.5, 8.0]).map { $0 - log($1) }
    let record = Trajectory.response("ab", advantage: 1) {
      $0.set(.tokens, to: [97, 98, 256])
      $0.set(.logprobs, to: .array(sampled.map { .number($0) }))
    }
    var update = try Update("clip")
    update.options.importance.level = .token
    let truncated = try await update.run([record])
    #expect(zip(truncated.passes[0].gradients[0], [0.6, 1.5, 2]).allSatisfy { abs(Double($0) + $1 / 3) < 1e-6 })
    update = try Update("clip")
    update.options.importance.level = .token
    update.options.importance.mode = .mask
    let masked = try await update.run([record])
    #expect(zip(masked.passes[0].gradients[0], [0.6, 1.5, 0]).allSatisfy { abs(Double($0) + $1 / 3) < 1e-6 })
    update = try Update("clip")
    update.options.importance.level = .sequence
    update.options.importance.cap = 10
    let whole = try await update.run([record])
    #expect(whole.passes[0].gradients[0].allSatisfy { abs(Double($0) + 7.2 / 3) < 1e-5 })
  }

  @Test("the KL divergence to the reference adds its gradient, and an adaptive coefficient learns from it")
  func divergence() async throws {
    let reference = ScriptedPolicy()
    _ = try await reference.step(OptimizerStep(learningRate: 0))
    var update = try Update("reinforce")
    update.reference = reference
    update.options.kl.coefficient = 0.5
    update.options.kl.estimator = .k2
    update.options.kl.controller = .adaptive
    update.options.kl.target = 1e-3
    update.options.kl.horizon = 10
    let outcome = try await update.run([.response("ab", advantage: 1)])
    let now = try await Update.logProbs("ab", afterSteps: 0)
    let then = try await Update.logProbs("ab", afterSteps: 1)
    for token in now.indices {
      // k2 is half the square of the difference; its derivative is the difference.
      let expected = (-1 + 0.5 * (now[token] - then[token])) / 3
      #expect(abs(Double(outcome.passes[0].gradients[0][token]) - expected) < 1e-6)
    }
    let loss = zip(now, then).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / 2 } / 3
    #expect(abs((outcome.metrics["actor/kl_loss"] ?? 0) - loss) < 1e-6)
    #expect(outcome.metrics["actor/kl_coef"] == 0.5)
    // Far above the target: 20 % for one trajectory of a horizon of ten.
    let next = try #require(update.memory.value?["kl_coefficient"]?.doubleValue)
    #expect(abs(next - 0.5 * 1.02) < 1e-12)
    #expect(try await update.run([.response("ab", advantage: 1)]).metrics["actor/kl_coef"] == next)
  }

  @Test("the utilisation of rollouts and tokens is that of the paper")
  func utilization() async throws {
    // Tokens with their end: a 2, bb 3, ccc 4, and cut off without an end dd 2.
    let batch = TrajectoryBatch([
      .response("a", advantage: 1, draws: [0, 1]), .response("bb", advantage: 0, draws: [2]),
      .response("ccc", advantage: -1, draws: [3]),
      .response("dd", advantage: -1, draws: [4]) { $0.set(.finish, to: "length") },
      .response("e", advantage: 1),
    ])
    let metrics = try await Update("clip").run(batch).metrics
    // Of five draws one has no advantage, and one that was cut off has a negative one.
    #expect(metrics["actor/rollout_util_rate"] == 1 - 2.0 / 5)
    // Of 2 · 2 + 3 + 4 + 2 tokens three have no advantage, and no ratio has moved.
    #expect(metrics["actor/token_util_rate"] == 1 - 3.0 / 13)
    #expect(metrics["actor/rollout_gradient_rate"] == 4.0 / 5)
    // Of five rollouts three have given a gradient.
    #expect(metrics["data/rollout_util_rate"] == 3.0 / 5)
    #expect(metrics["actor/pg_clipfrac_higher"] == 0)
    // Old log-probabilities are written as Float.
    #expect(abs(metrics["actor/ppo_kl"] ?? 9) < 1e-6)
    // A second pass, in which ratios have moved, uses fewer tokens.
    let twice = try await Update("clip", epochs: 2).run(batch).metrics
    #expect(try #require(twice["actor/token_util_rate"]) < 1 - 3.0 / 13)
    #expect(try #require(twice["actor/pg_clipfrac_higher"]) > 0)
  }

  @Test("loss, entropy, distance and gradient norm are means over minibatches and tokens")
  func figures() async throws {
    let outcome = try await Update("reinforce", minibatches: 2).run([
      .response("ab", advantage: 1), .response("c", advantage: -1),
    ])
    let first = try await Update.logProbs("ab", afterSteps: 0)
    let second = try await Update.logProbs("c", afterSteps: 1)
    let means = [first.reduce(0, +) / 3, second.reduce(0, +) / 2]
    #expect(abs((outcome.metrics["actor/pg_loss"] ?? 9) - (-means[0] + means[1]) / 2) < 1e-6)
    #expect(abs((outcome.metrics["actor/entropy_loss"] ?? 9) - (-means[0] - means[1]) / 2) < 1e-6)
    // The norms of three gradients of a third, and of two of a half.
    let norms = [(1.0 / 3).squareRoot(), (1.0 / 2).squareRoot()]
    #expect(abs((outcome.metrics["actor/grad_norm"] ?? 9) - (norms[0] + norms[1]) / 2) < 1e-6)
  }

  @Test("a policy that runs away within a step is stopped before the next update")
  func diverges() async throws {
    var update = try Update("clip", minibatches: 2)
    update.options.divergenceLimit = 1e-6
    do {
      try await update.run([.response("ab", advantage: 1), .response("cd", advantage: 1)])
      Issue.record("nothing was stopped")
    } catch let error as PipelineError {
      #expect(error.code == .diverged)
      #expect(error.message.contains("lower learning_rate.rate"))
      #expect(error.message.contains("--resume"))
    }
    #expect(await update.policy.steps == 1)
    // A single update is looked at as well, whatever the loss.
    update = try Update("nll")
    update.options.divergenceLimit = 1e-6
    await #expect(throws: PipelineError.self) { try await update.run([.response("ab")]) }
    update = try Update("clip", minibatches: 2)
    update.options.divergenceLimit = 0
    #expect(
      try await update.run([.response("ab", advantage: 1), .response("cd", advantage: 1)]).steps.count == 2)
  }

  @Test("without a policy, or without a reference that is wanted, the message says what to do")
  func missing() async throws {
    var update = try Update("clip")
    update.options.kl.coefficient = 1
    do {
      try await update.run([.response("ab", advantage: 1)])
      Issue.record("no error")
    } catch let error as PipelineError {
      #expect(error.message == "its 'kl' needs a reference policy; run it from a spec that names a policy")
    }
    let stage = try UpdateStage(options: .init(), assembly: .plain(Self.registry()))
    do {
      var batch = TrajectoryBatch([.response("ab", advantage: 1)])
      try await stage.run(&batch, in: StageContext(stage: "update"))
      Issue.record("no error")
    } catch let error as PipelineError {
      #expect(error.message == "it needs a policy; run it from a spec that names one")
    }
  }

  private static func registry() throws -> Registry {
    var registry = Registry()
    try registry.register(ClipLoss.self)
    return registry
  }
}

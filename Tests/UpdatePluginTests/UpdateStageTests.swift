// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

@Suite("update: what it asks of the policy", .timeLimit(.minutes(15)))
struct UpdateStageTests {
  @Test("minibatches hold the draws in their order, and what was not drawn is not trained on")
  func drawOrder() async throws {
    let update = try Update("reinforce", minibatches: 2)
    let outcome = try await update.run([
      .response("a", advantage: 1, draws: [0, 3]), .response("b", advantage: 1, draws: [1]),
      .response("c", advantage: 1, draws: [2]), .response("d", advantage: 1),
    ])
    #expect(outcome.passes.map(\.texts) == [["a", "b"], ["c", "a"]])
    #expect(outcome.steps.count == 2)
    #expect(outcome.batch.count == 4)
    #expect(outcome.metrics["data/trained_trajectories"] == 4)
    #expect(outcome.metrics["data/trained_distinct"] == 3)
  }

  @Test("without draws a batch is trained on in its order, and an odd number is cut as evenly as can be")
  func batchOrder() async throws {
    let update = try Update("reinforce", minibatches: 2, epochs: 2)
    let outcome = try await update.run(["a", "b", "c", "d", "e"].map { .response($0, advantage: 1) })
    #expect(outcome.passes.map(\.texts) == [["a", "b"], ["c", "d", "e"], ["a", "b"], ["c", "d", "e"]])
    // Never more minibatches than trajectories.
    let few = try await Update("reinforce", minibatches: 8).run([.response("a", advantage: 1)])
    #expect(few.passes.count == 1)
  }

  @Test("pairs are not torn apart by minibatches")
  func pairsStayTogether() async throws {
    let update = try Update("reinforce", minibatches: 2)
    let outcome = try await update.run(
      ["ab", "cd", "ef"].enumerated().flatMap { number, pair in
        let (high, low) = (String(pair.prefix(1)), String(pair.suffix(1)))
        return [(high, Pair.Side.high, low), (low, .low, high)].enumerated().map { place, member in
          Trajectory.response(member.0, advantage: 1, draws: [2 * number + place]) {
            $0.pair = Pair(rank: 0, side: member.1, weight: 1, partner: member.2)
          }
        }
      })
    #expect(outcome.passes.map(\.texts) == [["a", "b"], ["c", "d", "e", "f"]])
  }

  @Test("a response that was drawn more than once is computed once, and weighs as often")
  func duplicates() async throws {
    // "x" and its end are 2 tokens, drawn three times; "yz" and its end are 3: T = 3 · 2 + 3 = 9.
    let outcome = try await Update("reinforce").run([
      .response("x", advantage: 0.5, draws: [0, 1, 2]), .response("yz", advantage: -1, draws: [3]),
    ])
    let pass = try #require(outcome.passes.first)
    #expect(pass.texts == ["x", "yz"])
    #expect(pass.gradients[0] == [Float](repeating: Float(-0.5 * (3.0 / 9)), count: 2))
    #expect(pass.gradients[1] == [Float](repeating: Float(1.0 / 9), count: 3))
  }

  @Test("responses to one prompt at one temperature are computed together; hotter ones apart, as one mean")
  func temperatureGroups() async throws {
    let outcome = try await Update("reinforce").run([
      .response("a", advantage: 1, temperature: 1), .response("b", advantage: 1, temperature: 0.5),
      .response("c", prompt: "q", advantage: 1, temperature: 1), .response("d", advantage: 1, temperature: 1),
      .response("e", advantage: 1, temperature: 0),
    ])
    #expect(outcome.passes.map(\.temperature) == [0.5, 1])
    #expect(outcome.passes.map(\.texts) == [["b"], ["a", "d", "e", "c"]])
    #expect(outcome.passes[1].groups.map { $0.responses.count } == [3, 1])
    // Ten tokens in both calls together.
    #expect(outcome.passes.flatMap(\.gradients).joined().allSatisfy { $0 == Float(-0.1) })
    #expect(outcome.steps.count == 1)
  }

  @Test("an entropy bonus is subtracted as the mean over trained tokens, and its figure is reported")
  func entropyBonus() async throws {
    var update = try Update("reinforce")
    update.options.entropyBonus = 0.1
    // "x" and its end are 2 tokens, drawn twice; of "yz" and its end one is masked: T = 2 · 2 + 2 = 6.
    let outcome = try await update.run([
      .response("x", advantage: 0.5, draws: [0, 1]),
      .response("yz", advantage: -1, draws: [2]) { $0.set(.lossMask, to: [1, 0, 1]) },
    ])
    let pass = try #require(outcome.passes.first)
    #expect(
      pass.gradients == [[Float](repeating: Float(-0.5 * (2.0 / 6)), count: 2), [Float(1.0 / 6), 0, Float(1.0 / 6)]])
    let (twice, once) = (Float(-0.1 * (2.0 / 6)), Float(-0.1 * (1.0 / 6)))
    #expect(pass.entropyGradients == [[twice, twice], [once, 0, once]])
    // The scripted policy's entropies are half of −log p.
    let (x, yz) = (try await Update.logProbs("x", afterSteps: 0), try await Update.logProbs("yz", afterSteps: 0))
    let mean = (2 * (x[0] + x[1]) + yz[0] + yz[2]) / -2 / 6
    #expect(abs((outcome.metrics["actor/entropy"] ?? 0) - mean) < 1e-6)
    #expect(update.options.problems().isEmpty)
    update.options.entropyBonus = -1
    #expect(update.options.problems() == [OptionProblem("entropy_bonus", "is -1.0, it must be 0 or more")])
  }

  @Test("a schedule over the run takes its length from the run; its steps are updates, or those of the run")
  func scheduleOfTheRun() async throws {
    var update = try Update("reinforce", minibatches: 2)
    update.options.learningRate.rate = 1
    update.options.learningRate.warmUpRatio = 0.25
    update.plannedSteps = 4
    func rates(_ version: Int) async throws -> [Double] {
      update.version = version
      return try await update.run([.response("a", advantage: 1), .response("b", advantage: 1)]).steps.map(
        \.learningRate)
    }
    // Two of the eight updates.
    #expect(try await [rates(0), rates(1)] == [[0, 0.5], [1, 1]])
    update.options.learningRate.counts = .steps
    update.options.learningRate.warmUpRatio = 0.5
    #expect(try await [rates(0), rates(1), rates(2)] == [[0, 0], [0.5, 0.5], [1, 1]])
    update.plannedSteps = nil
    let error = await #expect(throws: PipelineError.self) { _ = try await rates(3) }
    #expect(
      error?.message
        == "learning_rate: warm_up_ratio is a share of the run, and how many steps the run has is not known beforehand; set "
        + "learning_rate.total_steps, or training.steps")
  }

  @Test("masked tokens get no gradient and do not count")
  func lossMask() async throws {
    let outcome = try await Update("reinforce").run([
      .response("xyz", advantage: 1) { $0.set(.lossMask, to: [1, 0, true, false]) }
    ])
    #expect(outcome.passes.first?.gradients == [[-0.5, 0, -0.5, 0]])
  }

  @Test("advantages per token go to their tokens")
  func advantagesPerToken() async throws {
    let outcome = try await Update("reinforce").run([
      .response("xy", advantage: 2) { $0.advantages = [1, 2, 3] }
    ])
    #expect(outcome.passes.first?.gradients == [[Float(-1.0 / 3), Float(-2.0 / 3), -1]])
  }

  @Test("a loss weight multiplies a response's loss, and leaves the mean's denominator alone")
  func lossWeight() async throws {
    let outcome = try await Update("reinforce").run([
      .response("x", advantage: 1) { $0.lossWeight = 3 }, .response("y", advantage: 1),
    ])
    #expect(outcome.passes.first?.gradients == [[-0.75, -0.75], [-0.25, -0.25]])
  }

  @Test("the aggregation is the loss's own unless the spec names one")
  func aggregation() async throws {
    var update = try Update("reinforce")
    update.options.aggregation = .sequenceMeanTokenSumNorm
    update.options.longest = 10
    let outcome = try await update.run([.response("x", advantage: 1), .response("yz", advantage: 1)])
    #expect(outcome.passes.first?.gradients.joined().allSatisfy { $0 == Float(-1.0 / 20) } == true)
    let own = try await Update("reinforce").run([.response("x", advantage: 1), .response("yz", advantage: 1)])
    #expect(own.passes.first?.gradients.joined().allSatisfy { $0 == Float(-1.0 / 5) } == true)
  }

  @Test("supervised training wants no advantage, other losses leave those without one alone")
  func withoutAdvantage() async throws {
    let outcome = try await Update("nll").run([.response("x"), .response("yz")])
    #expect(outcome.passes.first?.gradients.joined().allSatisfy { $0 == Float(-1.0 / 5) } == true)
    let some = try await Update("reinforce").run([.response("x"), .response("yz", advantage: 1)])
    #expect(some.passes.map(\.texts) == [["yz"]])
    #expect(some.batch.count == 2)
  }

  @Test("what cannot be trained on leaves with its reason, and the others stay what they are")
  func unusable() async throws {
    let outcome = try await Update("reinforce").run([
      .response("bad", advantage: 1) { $0.set(.lossMask, to: [1]) },
      .response("x", advantage: 1), .response("worse", advantage: 1) { $0.set(.tokens, to: ["no"]) },
      .response("yz", advantage: -1),
    ])
    #expect(outcome.passes.map(\.texts) == [["x", "yz"]])
    #expect(outcome.passes.first?.gradients == [[-0.2, -0.2], [0.2, 0.2, 0.2]])
    #expect(outcome.batch.drops.map(\.rule) == ["unusable", "unusable"])
    #expect(outcome.batch.drops.map(\.trajectory.id) == ["bad", "worse"])
    #expect(
      outcome.warnings.map(\.message) == [
        "2 of 4 trajectories cannot be trained on; the first, 'bad': 'loss_mask' must be an array of 4 truth values, "
          + "one for each token of the response, found 1 elements"
      ])
    await #expect(throws: PipelineError.self) {
      try await Update("reinforce").run([.response("bad", advantage: 1) { $0.set(.lossMask, to: [1]) }])
    }
  }

  @Test("where nothing is left to train on, the policy stays as it is, and a warning says so")
  func nothing() async throws {
    let outcome = try await Update("reinforce").run([])
    #expect(outcome.warnings.map(\.code) == ["nothing-to-train"])
    #expect(outcome.steps.isEmpty)
    let undrawn = try await Update("reinforce").run([.response("x", advantage: 1, draws: [])])
    #expect(undrawn.warnings.map(\.code) == ["nothing-to-train"])
  }

  @Test("the learning rate goes on where the memory says that the optimizer is")
  func memory() async throws {
    var update = try Update("reinforce", minibatches: 2)
    update.options.learningRate.rate = 1
    update.options.learningRate.warmUpSteps = 10
    update.memory.value = ["optimizer_steps": 3, "kl_coefficient": 0]
    let outcome = try await update.run([.response("x", advantage: 1), .response("y", advantage: 1)])
    let schedule = update.options.learningRate
    #expect(outcome.steps.map(\.learningRate) == [schedule.rate(at: 3), schedule.rate(at: 4)])
    #expect(update.memory.value?["optimizer_steps"] == 5)
    #expect(outcome.metrics["actor/optimizer_steps"] == 5)
    update.memory.value = ["optimizer_steps": "many"]
    await #expect(throws: PipelineError.self) { try await update.run([.response("x", advantage: 1)]) }
  }

  @Test("AdamW's options reach the policy")
  func optimizer() async throws {
    var update = try Update("reinforce")
    update.options.optimizer.weightDecay = 0.5
    update.options.optimizer.maxGradientNorm = 7
    let outcome = try await update.run([.response("x", advantage: 1)])
    #expect(outcome.steps.map(\.weightDecay) == [0.5])
    #expect(outcome.steps.map(\.maxGradientNorm) == [7])
  }
}

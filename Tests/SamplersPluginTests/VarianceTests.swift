// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SamplersPlugin
import Testing

@Suite("The sampler variance", .timeLimit(.minutes(15)))
struct VarianceTests {
  @Test("weights prompts as the published program does")
  func published() throws {
    for one in try Oracle("vas").cases("") where one["correct"] != nil {
      let variances = try one.list("correct").map { answers -> Double in
        let values = answers.arrayValue?.compactMap(\.doubleValue) ?? []
        return VarianceSampler.variance(right: values.count { $0 >= 0.5 }, of: values.count)
      }
      #expect(zip(variances, try one.numbers("learnability")).allSatisfy { ($0 - $1).magnitude < 1e-6 })
      let weights = try #require(one["weights"]).numbers("learnability")
      #expect(zip(VarianceSampler.weights(variances), weights).allSatisfy { ($0 - $1).magnitude < 1e-6 })
    }
  }

  @Test("the share of the old in a weight is 'memory', as published", arguments: [0.0, 0.5, 1.0])
  func memory(_ share: Double) throws {
    for one in try Oracle("vas").cases("momentum \(share)") {
      let found = zip(try one.numbers("old"), try one.numbers("new")).map {
        VarianceSampler.mixed($0, $1, memory: share)
      }
      #expect(zip(found, try one.numbers("weights")).allSatisfy { ($0 - $1).magnitude < 1e-6 })
    }
  }

  @Test("as many places are weighted as published, and the first is drawn in proportion to the weights")
  func draw() async throws {
    for one in try Oracle("vas").cases("first batch") {
      var options = VarianceSampler.Options()
      options.mixture = try one.number("mixture")
      let batch = try one.integer("batch")
      #expect(VarianceSampler.weightedPlaces(of: batch, options) == (try one.integer("weighted_places")))
      let weights = try one.numbers("weights_in")
      let total = weights.reduce(0, +)
      let trials = 5000
      var counts = weights.map { _ in 0 }
      var driven = Driven(VarianceSampler(options: options, assembly: .plain()), prompts: weights.count)
      // Stretched to 0…1 again, these weights stay what they are, or are all equal.
      driven.memory.setColumn("variance", weights.map { $0 / 4 })
      for step in 0..<trials {
        driven.step = step
        let chosen = try await driven.choose(batch)
        #expect(Set(chosen).count == chosen.count)
        counts[chosen[0]] += 1
      }
      for (count, weight) in zip(counts, weights) {
        #expect(agrees(Double(count) / Double(trials), weight / total, trials: trials))
      }
    }
  }

  @Test("says of a choice what it was drawn by")
  func explanation() {
    let sampler = VarianceSampler(assembly: .plain())
    #expect(sampler.explanation(of: ["place": "in-order", "weight": 1]) == "it came next in the order of the source")
    #expect(
      sampler.explanation(of: ["place": "weighted", "weight": 1])
        == "it was drawn with the full weight 1, since it was not visited before")
    #expect(
      sampler.explanation(of: ["place": "weighted", "weight": 0.5, "variance": 0.125])
        == "it was drawn with the weight \(0.5), since the variance p(1 - p) of its success was \(0.125)")
  }

  @Test("without any variance the draw is uniform, and it is said")
  func flat() async throws {
    var driven = Driven(VarianceSampler(assembly: .plain()), prompts: 4)
    driven.memory.setColumn("variance", [0, 0, 0, 0])
    #expect(try await driven.choose(4).count == 4)
    #expect(driven.report.warnings.map(\.code) == ["no-variance"])
  }

  @Test("learns from visits, or with probe from rollouts of the whole pool every few steps and from nothing else")
  func estimates() async throws {
    var driven = Driven(VarianceSampler(assembly: .plain()), prompts: 4)
    #expect(try await driven.probe() == nil)
    try await driven.observe([1: [1, 0], 2: [1, 1]])
    #expect(driven.memory["variance", 1] == 0.25)
    #expect(driven.memory["variance", 2] == 0)
    #expect(driven.metric("visited") == 0.5)

    var options = VarianceSampler.Options()
    (options.estimate, options.probeEvery, options.probeRollouts, options.memory) = (.probe, 3, 4, 0.5)
    var probing = Driven(VarianceSampler(options: options, assembly: .plain()), prompts: 3)
    #expect(probing.sampler.probes)
    let whole = PromptProbe([0, 1, 2], rollouts: 4)
    for (step, probe) in [(0, whole), (1, nil), (2, nil), (3, whole)] {
      probing.step = step
      #expect(try await probing.probe() == probe)
    }
    try await probing.observe([0: [1, 0]])
    #expect(probing.memory["variance", 0] == nil)
    #expect(probing.metric("found") == 0.25 && probing.metric("visited") == 0)
    let results = [GroupResult(index: 2, rewards: [1, 0, 0, 0]), GroupResult(index: 0, rewards: [1, 1, 0, 0])]
    try await probing.learn(results)
    #expect(probing.memory.column("variance")[0] == 0.25 && probing.memory.column("variance")[2] == 0.1875)
    let later = [GroupResult(index: 2, rewards: [1, 1])]
    try await probing.learn(later)
    #expect(probing.memory["variance", 2] == 0.09375)
  }
}

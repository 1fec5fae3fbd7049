// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SamplersPlugin
import Testing

@Suite("The sampler adarft", .timeLimit(.minutes(15)))
struct AdaRFTTests {
  @Test("chooses by the target and moves it as the published program does")
  func published() async throws {
    for one in try Oracle("adarft").cases("") {
      var options = AdaRFTSampler.Options()
      (options.target, options.eta) = (try one.number("first_target"), try one.number("eta"))
      (options.alpha, options.beta) = (try one.number("alpha"), try one.number("beta"))
      (options.low, options.high) = (try one.number("low"), try one.number("high"))
      let difficulties = try one.numbers("difficulties")
      var driven = Driven(
        AdaRFTSampler(options: options, assembly: .plain()), prompts: difficulties.count, difficulties: difficulties)
      for step in try one.list("steps") {
        let target = try step.number("target")
        let chosen = try await driven.choose(try one.integer("batch"))
        let distances = chosen.map { (difficulties[$0] - target).magnitude }
        #expect(zip(distances, try step.numbers("distances_sorted")).allSatisfy { ($0 - $1).magnitude < 1e-4 })
        if step["tie_at_the_edge"] != .bool(true), Set(distances).count == distances.count {
          #expect(chosen == (try step.integers("selected")))
        }
        let mean = try step.number("mean_reward")
        try await driven.observe(Dictionary(uniqueKeysWithValues: chosen.map { ($0, [mean, mean]) }))
        let (next, found) = (try step.number("next_target"), try #require(driven.metric("target")))
        // The published mean passes through a Float.
        #expect((found - next).magnitude < 1e-5 * max(1, next))
        driven.memory.set("target", next)
      }
    }
  }

  @Test("the hyperbolic tangent, and what it is made of, agree with their series and inverses to the last bits")
  func portable() {
    for value in stride(from: -5.0, through: 5, by: 0.037) {
      #expect((PortableMath.log(PortableMath.exp(value)) - value).magnitude < 1e-14)
      let (up, down) = (PortableMath.exp(value), PortableMath.exp(-value))
      #expect((PortableMath.tanh(value) - (up - down) / (up + down)).magnitude < 1e-15)
    }
    #expect((PortableMath.exp(1) - 2.718281828459045).magnitude <= 2 * 2.718281828459045.ulp)
    #expect((PortableMath.log(10) - 2.302585092994046).magnitude <= 2.302585092994046.ulp)
    #expect(PortableMath.tanh(1e-9) == 1e-9)
    #expect(PortableMath.exp(-745.3) == 0)
  }

  @Test("equal distances go to the prompt that stands first; the same prompts come again while the target stays")
  func ties() async throws {
    var driven = Driven(
      AdaRFTSampler(assembly: .plain()), prompts: 6, difficulties: [20, 10, 10, 10, 30, 20])
    #expect(try await driven.choose(3) == [1, 2, 3])
    try await driven.observe([1: [0, 0]])
    #expect(try await driven.choose(3) == [1, 2, 3])
    #expect(try await driven.choose(3, excluding: [1, 2]) == [3, 0, 5])
  }

  @Test("says of a choice how far it is from the target")
  func explanation() {
    #expect(
      AdaRFTSampler(assembly: .plain()).explanation(of: ["difficulty": 44.5, "target": 50])
        == "its difficulty, \(44.5), was among the nearest to the target, \(50.0)")
  }

  @Test("once per epoch, none comes again before all have come")
  func oncePerEpoch() async throws {
    var options = AdaRFTSampler.Options()
    options.repeat = .oncePerEpoch
    var driven = Driven(
      AdaRFTSampler(options: options, assembly: .plain()), prompts: 5, difficulties: [5, 4, 3, 2, 1])
    #expect(try await driven.choose(2) == [4, 3])
    #expect(try await driven.choose(2) == [2, 1])
    // The last of the epoch, then the nearest of the next.
    #expect(try await driven.choose(2) == [0, 4])
    #expect(try await driven.choose(2) == [3, 2])
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SamplersPlugin
import Testing

@Suite("The sampler greso", .timeLimit(.minutes(15)))
struct GRESOTests {
  private static func sampler(_ change: (inout GRESOOptions) -> Void = { _ in }) -> GRESOSampler {
    var options = GRESOOptions()
    change(&options)
    return GRESOSampler(options: options, assembly: .plain())
  }

  @Test("rolls a prompt out with the published program's probability after each visit")
  func probabilities() async throws {
    for one in try Oracle("greso").cases("prompt ") {
      for (easy, hard) in [(0.5, 0.5), (0.7, 0.3), (0.05, 0.95)] {
        var driven = Driven(
          Self.sampler {
            ($0.judge, $0.pEasy, $0.pHard) = (.mean, easy, hard)
          }, prompts: 1)
        let sampler = driven.sampler
        for visit in try one.list("visits") {
          if let mean = visit["mean_reward"]?.doubleValue { try await driven.observe([0: [mean, mean]]) }
          let expected = try #require(visit["p_easy \(easy), p_hard \(hard)"]?["rolled_out"]?.doubleValue)
          // Without its own place in the pool, which would move the control.
          var memory = driven.memory
          let found = sampler.choose(1, excluding: [], from: driven.pool, memory: &memory, in: driven.context())
          let choice = try #require(found.first)
          let probability = choice.because.first { $0.key == "probability" }?.value.doubleValue ?? 1
          #expect((probability - expected).magnitude < 1e-9)
        }
      }
    }
  }

  @Test("passes a prompt over as often as its probability says")
  func frequency() async throws {
    // Prompt 0 was all wrong three times, the others were never met; 1/8 of the draws roll it out.
    var rolledOut = 0
    let trials = 4000
    for seed in 0..<trials {
      var driven = Driven(Self.sampler(), prompts: 3, seed: UInt64(seed))
      driven.memory["run", 0] = -3
      if try await driven.choose(1) == [0] { rolledOut += 1 }
    }
    #expect(agrees(Double(rolledOut) / Double(trials), 0.125, trials: trials))
  }

  @Test("moves its probabilities as the published program does")
  func control() async throws {
    for one in try Oracle("greso").cases("controller") {
      var driven = Driven(Self.sampler(), prompts: 1000)
      for step in try one.list("steps") {
        driven.memory.set("epoch", try step.number("epoch"))
        let (easy, hard) = (try step.number("easy_ratio"), try step.number("hard_ratio"))
        // As many groups as make these shares exact.
        let groups = hard == 1.0 / 6 ? 600 : 1000
        var rewards: [Int: [Double]] = [:]
        for index in 0..<groups {
          let value = Double(index)
          rewards[index] =
            value < (easy * Double(groups)).rounded()
            ? [1, 1] : value < ((easy + hard) * Double(groups)).rounded() ? [0, 0] : [0, 1]
        }
        try await driven.observe(rewards)
        for name in ["p_easy", "p_hard"] {
          let (found, expected) = (try #require(driven.metric(name)), try step.number(name))
          #expect((found - expected).magnitude < 1e-9)
        }
      }
    }
  }

  @Test("asks for as many prompts more as the published program does")
  func further() throws {
    for one in try Oracle("greso").cases("how many prompts") {
      for size in try one.list("sizes") {
        let missing =
          (try size.number("rollouts_wanted") - (try size.number("rollouts_there"))) / (try size.number("n"))
        let found = GRESOSampler.further(
          missing: missing, useless: try size.number("zero_variance"), full: try size.integer("default_prompts"),
          least: 64)
        #expect(found == (try size.integer("next_prompts")))
      }
    }
    #expect(GRESOSampler.further(missing: 3, useless: 1, full: 32, least: 64) == 32)
  }

  @Test(
    "a prompt that is passed over keeps its visits, and a pool of nothing else is rolled out all the same, and said")
  func onlyEasy() async throws {
    var driven = Driven(Self.sampler { $0.pEasy = 0.05 }, prompts: 4)
    for index in 0..<4 { driven.memory["run", index] = 9 }
    let chosen = try await driven.choose(4)
    #expect(Set(chosen) == [0, 1, 2, 3])
    #expect(driven.memory.column("run") == [9, 9, 9, 9])
    #expect(driven.report.warnings.map(\.code) == ["taken-all-the-same"])
  }

  @Test("says of a choice which visits it goes by")
  func explanation() {
    let sampler = Self.sampler()
    #expect(
      sampler.explanation(of: ["run": -3, "probability": 0.125])
        == "it came next, and its last 3 visits were all hard, after which a prompt is rolled out with probability \(0.125)"
    )
    #expect(sampler.explanation(of: ["sampler": "greso"]) == "it came next, and was not rolled out before")
  }
}

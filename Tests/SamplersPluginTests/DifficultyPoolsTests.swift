// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SamplersPlugin
import Testing

@Suite("The sampler difficulty-pools", .timeLimit(.minutes(15)))
struct DifficultyPoolsTests {
  @Test("weights each prompt at each visit as the published program does")
  func published() async throws {
    for one in try Oracle("difficulty_pools").cases("") {
      let names = try one.list("names").compactMap(\.stringValue)
      let pools = DifficultyPoolsSampler.Options().pools
      for member in try #require(one["default_pools"]?.objectValue) {
        let pool = try #require(pools.first { $0.name == member.key })
        #expect([pool.upTo, pool.weight] == member.value.arrayValue?.compactMap(\.doubleValue))
      }
      var driven = Driven(DifficultyPoolsSampler(assembly: .plain()), prompts: names.count)
      for row in try one.list("rows") {
        let choices = driven.sampler.choose(
          names.count, excluding: [], from: driven.pool, memory: &driven.memory, in: driven.context())
        for choice in choices {
          let weight = choice.because.first { $0.key == "weight" }?.value.doubleValue ?? 1
          let pool = choice.because.first { $0.key == "pool" }?.value ?? .null
          #expect(weight == (try row.numbers("weights"))[choice.index])
          #expect(pool == row["pools"]?[names[choice.index]])
        }
        let observed = try #require(names.firstIndex { .string($0) == row["observed"] })
        try await driven.observe([observed: try row.numbers("rewards")])
      }
    }
  }

  @Test("draws the first prompt in proportion to the weights, and none twice")
  func draw() async throws {
    var driven = Driven(DifficultyPoolsSampler(assembly: .plain()), prompts: 4)
    driven.memory.setColumn("mean_reward", [0, 0.5, 1, .nan])
    let trials = 5000
    var counts = [0, 0, 0, 0]
    for step in 0..<trials {
      driven.step = step
      let chosen = try await driven.choose(3)
      #expect(Set(chosen).count == 3)
      counts[chosen[0]] += 1
    }
    for (count, weight) in zip(counts, [0.2, 1, 0.2, 1]) {
      #expect(agrees(Double(count) / Double(trials), weight / 2.4, trials: trials))
    }
  }

  @Test("says of a choice which pool it is in")
  func explanation() {
    let sampler = DifficultyPoolsSampler(assembly: .plain())
    #expect(
      sampler.explanation(of: ["pool": "hard", "mean_reward": 0.125, "weight": 0.2])
        == "it was drawn with the weight \(0.2) of the pool 'hard', since its latest mean reward was \(0.125)")
    #expect(sampler.explanation(of: [:]) == "it was drawn with the weight 1, since it was not visited before")
  }

  @Test("prompts of weight 0 come where nothing else is left, and it is said")
  func weightZero() async throws {
    var options = DifficultyPoolsSampler.Options()
    options.pools[2].weight = 0
    var driven = Driven(DifficultyPoolsSampler(options: options, assembly: .plain()), prompts: 3)
    driven.memory.setColumn("mean_reward", [1, 1, 0.5])
    let chosen = try await driven.choose(2)
    #expect(chosen[0] == 2)
    #expect(driven.report.warnings.map(\.code) == ["pools-of-weight-0"])
    for index in options.pools.indices { options.pools[index].weight = 0 }
    #expect(
      try options.allProblems().map(\.message) == [
        "has the weight 0 everywhere, so that no prompt would be drawn a second time"
      ])
  }
}

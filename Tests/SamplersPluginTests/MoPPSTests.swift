// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import SamplersPlugin
import Testing

@Suite("The sampler mopps", .timeLimit(.minutes(15)))
struct MoPPSTests {
  private static func options(_ one: JSONValue) throws -> MoPPSSampler.Options {
    var options = MoPPSSampler.Options()
    options.decay = try one.number("decay")
    options.strategy = one["strategy"] == "topk" ? .nearest : .threshold
    let prior = try one.numbers("prior")
    (options.priorRight, options.priorWrong) = (prior[0], prior[1])
    return options
  }

  @Test(
    "selects by given draws, and learns, as the published program does",
    arguments: ["topk, lambda", "threshold, lambda"])
  func published(_ prefix: String) throws {
    for one in try Oracle("mopps").cases(prefix) {
      let options = try Self.options(one)
      var beliefs: [Int: (right: Double, wrong: Double)] = [:]
      for step in try one.list("steps") {
        let (candidates, draws) = (try step.integers("candidates"), try step.numbers("draws"))
        var random = PhiloxGenerator(seed: 1, purpose: "test")
        let places = MoPPSSampler.selection(of: draws, try one.integer("batch"), options, random: &random)
        let selected = try step.integers("selected")
        let isTied = step["tie_at_the_edge"] == .bool(true)
        let within = draws.count { (options.low...options.high).contains($0) }
        if options.strategy == .threshold, within > places.count {
          #expect(places.allSatisfy { (options.low...options.high).contains(draws[$0]) })
        } else if isTied {
          let distances = { (places: [Int]) in places.map { (draws[$0] - 0.5).magnitude }.sorted() }
          #expect(distances(places) == distances(selected.compactMap(candidates.firstIndex)))
        } else {
          #expect(Set(places.map { candidates[$0] }) == Set(selected))
        }
        for (prompt, rate) in zip(selected, try step.numbers("success_rates")) {
          beliefs[prompt] = MoPPSSampler.posterior(
            beliefs[prompt] ?? (options.priorRight, options.priorWrong), rate: rate, rollouts: try one.integer("n"),
            options)
        }
        for member in try #require(step["posterior"]?.objectValue) {
          let expected = try #require(member.value.arrayValue).compactMap(\.doubleValue)
          let prompt = try #require(Int(member.key))
          let found = beliefs[prompt] ?? (options.priorRight, options.priorWrong)
          #expect((found.right - expected[0]).magnitude < 1e-6)
          #expect((found.wrong - expected[1]).magnitude < 1e-6)
        }
      }
    }
  }

  @Test("one rollout counts as one")
  func single() throws {
    for one in try Oracle("mopps").cases("n = 1") {
      let found = MoPPSSampler.posterior((1, 1), rate: 1, rollouts: 1, MoPPSSampler.Options())
      let expected = try #require(one["ours"]?["7"]?.arrayValue).compactMap(\.doubleValue)
      #expect([found.right, found.wrong] == expected)
    }
  }

  @Test(
    "chooses each prompt as often as the published program, within the sampling error",
    arguments: ["topk", "threshold"])
  func inclusion(_ strategy: String) async throws {
    for one in try Oracle("mopps").cases("inclusion by Thompson sampling, \(strategy)") {
      let beliefs = try one.list("alpha_beta").map { $0.arrayValue?.compactMap(\.doubleValue) ?? [] }
      var options = MoPPSSampler.Options()
      options.strategy = strategy == "topk" ? .nearest : .threshold
      let sampler = MoPPSSampler(options: options, assembly: .plain())
      let trials = 20_000
      var counts = beliefs.map { _ in 0 }
      var driven = Driven(sampler, prompts: beliefs.count)
      for (index, belief) in beliefs.enumerated() {
        (driven.memory["right", index], driven.memory["wrong", index]) = (belief[0], belief[1])
      }
      for step in 0..<trials {
        driven.step = step
        for index in try await driven.choose(try one.integer("batch")) { counts[index] += 1 }
      }
      for (count, expected) in zip(counts, try one.numbers("inclusion_frequencies")) {
        #expect(
          agrees(
            Double(count) / Double(trials), expected, trials: trials, expectedTrials: try one.integer("trials")))
      }
    }
  }

  @Test("a draw from a Beta distribution has its mean and its variance")
  func beta() {
    for (a, b) in [(1.0, 1.0), (5, 5), (9, 1), (1.5, 40)] {
      let count = 20_000
      var random = PhiloxGenerator(seed: 3, purpose: "beta", position: (UInt64(a * 2), UInt64(b), 0))
      let draws = (0..<count).map { _ in random.beta(a, b) }
      let mean = draws.reduce(0, +) / Double(count)
      let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      let expected = a * b / ((a + b) * (a + b) * (a + b + 1))
      #expect((mean - a / (a + b)).magnitude < 5 * (expected / Double(count)).squareRoot())
      #expect((variance / expected - 1).magnitude < 0.1)
    }
  }

  @Test("says of a choice which rate was drawn")
  func explanation() {
    var options = MoPPSSampler.Options()
    let choice: JSONValue = ["draw": 0.48, "right": 5, "wrong": 7]
    #expect(
      MoPPSSampler(options: options, assembly: .plain()).explanation(of: choice)
        == "the success rate \(0.48), drawn from Beta(\(5.0), \(7.0)), was among the nearest to one half")
    options.strategy = .threshold
    #expect(
      MoPPSSampler(options: options, assembly: .plain()).explanation(of: choice)
        == "the success rate \(0.48), drawn from Beta(\(5.0), \(7.0)), was among those wanted between \(0.3) and \(0.7)"
    )
  }

  @Test("looks at candidates in the order of the source, and reports what it believed and found")
  func candidates() async throws {
    var options = MoPPSSampler.Options()
    options.candidates = 2
    var driven = Driven(MoPPSSampler(options: options, assembly: .plain()), prompts: 10)
    let first = try await driven.choose(2)
    #expect(Set(first).isSubset(of: [0, 1, 2, 3]))
    #expect(driven.metric("candidates") == 4)
    try await driven.observe(Dictionary(uniqueKeysWithValues: first.map { ($0, [1, 1, 1, 0]) }))
    #expect(driven.metric("expected") == 0.5)
    #expect(driven.metric("found") == 0.75)
    #expect(driven.metric("error") == 0.25)
    let second = try await driven.choose(2)
    #expect(Set(second).isSubset(of: [4, 5, 6, 7]))
  }
}

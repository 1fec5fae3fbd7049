// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import ShufflePlugin
import Testing

/// Numbers of the published programs; see `Fixtures/README.md`.
@Suite("Draws with replacement, within a band and by rewards", .timeLimit(.minutes(15)))
struct ShuffleMethodTests {
  private struct Fixture<Case: Decodable>: Decodable { let cases: [Case] }

  private func read<Case: Decodable>(_ name: String, _: Case.Type) throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return try JSONDecoder().decode(
      Fixture<Case>.self, from: Data(contentsOf: folder.appending(path: name + ".json"))
    ).cases
  }

  private struct PAD: Decodable {
    let advantages: [Double]
    let lengths: [Int]
    let low: Double
    let high: Double
    let alpha: Double
    let ratio: Double
    let with_replacement: Bool
    let normalize_by_length: Bool
    let effective: [Int]
    let probabilities: [Double]?
    let draws: Int?
    let expected_counts: [Double]?
    let inclusion_frequencies: [Double]?
    let trials: Int?
  }

  private func options(_ numbers: PAD) -> ShuffleStage.Options {
    var options = ShuffleStage.Options()
    options.band = [numbers.low, numbers.high]
    options.replacement = numbers.with_replacement
    options.rounds = 1
    options.size = numbers.ratio
    options.exponent = numbers.alpha
    options.weigh = numbers.normalize_by_length ? .advantage : .advantageSum
    return options
  }

  private func batch(_ numbers: PAD) -> TrajectoryBatch {
    TrajectoryBatch(
      numbers.advantages.indices.map { index in
        var trajectory = Trajectory(
          id: "\(index)", group: "\(index)",
          fields: [.tokens: .array(Array(repeating: 0, count: numbers.lengths[index]))])
        trajectory.advantage = numbers.advantages[index]
        return trajectory
      })
  }

  /// How often each position was drawn in a number of steps.
  private func counts(
    _ batch: TrajectoryBatch, _ options: ShuffleStage.Options, trials: Int
  ) async throws -> (counts: [Int], draws: Int) {
    var counts = [Int](repeating: 0, count: batch.count)
    var draws = 0
    for step in 0..<trials {
      var copy = batch
      let context = StageContext(stage: "shuffle", step: step, seed: 3)
      try await ShuffleStage(options: options, assembly: .plain()).run(&copy, in: context)
      draws = 0
      for trajectory in copy.trajectories {
        counts[Int(trajectory.id) ?? 0] += trajectory.draws?.count ?? 0
        draws += trajectory.draws?.count ?? 0
      }
    }
    return (counts, draws)
  }

  @Test("PAD: who is drawn from, how many draws, and how often each")
  func pad() async throws {
    let cases = try read("pad", PAD.self)
    #expect(cases.count == 12)
    for numbers in cases {
      let options = options(numbers)
      let batch = batch(numbers)
      // The published comparison is of float32; no case but one has an advantage within rounding of a bound.
      let importances = numbers.advantages.indices.map {
        abs(numbers.advantages[$0]) * (numbers.normalize_by_length ? 1 : Double(numbers.lengths[$0]))
      }
      let bounds = [numbers.low, numbers.high]
      if importances.contains(where: { value in bounds.contains { abs(value - $0) < 1e-6 } }) { continue }
      let inside = importances.indices.filter { importances[$0] > numbers.low && importances[$0] < numbers.high }
      #expect(inside == numbers.effective)
      guard let probabilities = numbers.probabilities, let draws = numbers.draws, draws > 0 else {
        var copy = batch
        let context = StageContext(stage: "shuffle")
        try await ShuffleStage(options: options, assembly: .plain()).run(&copy, in: context)
        if numbers.effective.isEmpty {
          #expect(context.report.warnings.map(\.code) == ["nothing-in-band"])
          #expect(copy.trajectories.map(\.draws) == copy.trajectories.indices.map { [$0] })
        } else {
          // Differs from the program, which then trains on the whole batch: at least one is drawn.
          #expect(copy.trajectories.reduce(0) { $0 + ($1.draws?.count ?? 0) } == 1)
        }
        continue
      }
      let weights = options.weights(inside.map { importances[$0] })
      let sum = weights.reduce(0, +)
      if numbers.with_replacement {
        for (weight, wanted) in zip(weights, probabilities) { #expect(abs(weight / sum - wanted) < 1e-6) }
      }
      let trials = 3000
      let found = try await counts(batch, options, trials: trials)
      #expect(found.draws == draws)
      for (place, position) in inside.enumerated() {
        let wanted = numbers.expected_counts?[place] ?? numbers.inclusion_frequencies?[place] ?? 0
        let mean = Double(found.counts[position]) / Double(trials)
        // Five standard errors of a count whose variance is at most its mean, and of theirs.
        let error = (wanted / Double(trials) + (numbers.trials.map { wanted / Double($0) } ?? 0)).squareRoot()
        #expect(abs(mean - wanted) < 5 * error + 1e-9, "\(position): \(mean), \(wanted)")
      }
      #expect(Set(found.counts.indices.filter { found.counts[$0] > 0 }).isSubset(of: numbers.effective))
    }
  }

  private struct PFPPO: Decodable {
    let scores: [Double]
    let method: String
    let power: Double
    let weights: [Double]
    let probabilities: [Double]
    let expected_counts: [Double]
  }

  @Test("PF-PPO: weights to 1e-6, and how often each is drawn")
  func pfPPO() async throws {
    let cases = try read("pf_ppo", PFPPO.self)
    #expect(cases.count == 28)
    for numbers in cases {
      var options = ShuffleStage.Options()
      options.weigh = .reward
      options.replacement = true
      options.exponent = numbers.power
      options.weighting = ["pow": .power, "max_min": .maxMin, "max_random": .maxRandom][numbers.method] ?? .inverse
      let weights = options.weights(numbers.scores)
      let sum = weights.reduce(0, +)
      for index in weights.indices {
        #expect(abs(weights[index] - numbers.weights[index]) <= 1e-6 * max(1, numbers.weights[index]))
        #expect(abs(weights[index] / sum - numbers.probabilities[index]) < 1e-6)
      }
      let batch = TrajectoryBatch(
        numbers.scores.indices.map { index in
          var trajectory = Trajectory(id: "\(index)", group: "\(index)", reward: numbers.scores[index])
          trajectory.advantage = 0
          return trajectory
        })
      let trials = 800
      let found = try await counts(batch, options, trials: trials)
      #expect(found.draws == numbers.scores.count)
      for (count, wanted) in zip(found.counts, numbers.expected_counts) {
        #expect(abs(Double(count) / Double(trials) - wanted) < 5 * (wanted / Double(trials)).squareRoot() + 1e-2)
      }
    }
  }

  private func stage(_ change: (inout ShuffleStage.Options) -> Void) -> ShuffleStage {
    var options = ShuffleStage.Options()
    change(&options)
    return ShuffleStage(options: options, assembly: .plain())
  }

  @Test("draws with replacement are by cumulative sums, in the order of drawing")
  func cumulative() {
    let weights = [1.0, 0, 3]
    var random = PhiloxGenerator(seed: 5, purpose: "draw", position: (0, 0, 0))
    var same = random
    let drawn = IndependentDraw(weights: weights).draw(50, using: &random)
    for index in drawn {
      let target = PhiloxGenerator.uniform(from: same.next()) * 4
      #expect(index == (target < 1 ? 0 : 2))
    }
    #expect(Set(drawn) == [0, 2])
  }

  @Test("twice as much, or half of it, in rounds; a round that wants more than there are says so")
  func size() async throws {
    let input = TrajectoryBatch.sample(rewards: (1...8).map { [Double($0)] }) { $0.advantage = $0.reward }
    for (size, rounds, drawn) in [(2.0, 8, 16), (0.5, 2, 4), (0.01, 8, 1), (1, 8, 8)] {
      var batch = input
      try await stage {
        $0.size = size
        $0.rounds = rounds
      }.run(&batch, in: StageContext(stage: "shuffle"))
      #expect(batch.trajectories.reduce(0) { $0 + ($1.draws?.count ?? 0) } == drawn)
      #expect(batch.trajectories.flatMap { $0.draws ?? [] }.sorted() == Array(0..<drawn))
    }
    var batch = input
    let context = StageContext(stage: "shuffle")
    try await stage {
      $0.size = 3
      $0.rounds = 2
    }.run(&batch, in: context)
    #expect(batch.trajectories.allSatisfy { $0.draws?.count == 2 })
    #expect(context.report.warnings.map(\.code) == ["too-few-units"])
    #expect(
      context.report.warnings.first?.message
        == "24 draws in 2 rounds are 12 in a round, in which each of the 8 there are is drawn at most once; raise rounds, or "
        + "draw with replacement")
  }

  @Test("what lies outside the band leaves by its own rule, in both modes; without a reward or tokens one leaves too")
  func rules() async throws {
    let input = TrajectoryBatch.sample(rewards: [[0.01, 0.5, 0.9], [2, 0.05, nil]]) { $0.advantage = $0.reward ?? 0.5 }
    for mode in ShuffleStage.Mode.allCases {
      var batch = input
      try await stage {
        $0.band = [0.05, 0.95]
        $0.mode = mode
        $0.size = 1
        $0.rounds = 1
      }.run(&batch, in: StageContext(stage: "shuffle"))
      let outside = batch.drops.filter { $0.rule == "outside-band" }.map(\.trajectory.id).sorted()
      #expect(outside == ["g0/0", "g1/0", "g1/1"])
    }
    var batch = input
    try await stage { $0.weigh = .reward }.run(&batch, in: StageContext(stage: "shuffle"))
    #expect(batch.drops.filter { $0.rule == "no-reward" }.map(\.trajectory.id) == ["g1/2"])
    var untokenized = input
    untokenized[0].set(.tokens, to: nil)
    try await stage { $0.weigh = .advantageSum }.run(&untokenized, in: StageContext(stage: "shuffle"))
    #expect(untokenized.drops.contains { $0.rule == "no-tokens" && $0.trajectory.id == "g0/0" })
    #expect(stage { $0.weigh = .advantageSum }.reads == [.advantage, .tokens])
    #expect(stage { $0.weigh = .reward }.reads == [.advantage, .reward])
  }

  @Test("obeys the laws of stages")
  func laws() async throws {
    let changes: [(inout ShuffleStage.Options) -> Void] = [
      { $0.replacement = true }, { $0.band = [-0.1, 0.4] }, { $0.size = 2.5 },
      {
        $0.weigh = .reward
        $0.replacement = true
        $0.weighting = .maxMin
      },
      {
        $0.weigh = .advantageSum
        $0.mode = .reweight
        $0.band = [0.1, 5]
      },
      {
        $0.replacement = true
        $0.correction = .importance
        $0.size = 0.3
      },
    ]
    for change in changes {
      let stage = stage(change)
      let fields = stage.reads.union([.advantage])
      try await StageLaws.check(stage, on: SampleBatches.exhaustive(carrying: fields), groupOrder: .material)
    }
  }

  @Test("with importance correction the mean weight of what was drawn is 1 for any size")
  func correction() async throws {
    var batch = TrajectoryBatch.sample(rewards: (1...9).map { [Double($0)] }) { $0.advantage = $0.reward }
    try await stage {
      $0.replacement = true
      $0.size = 2
      $0.correction = .importance
    }.run(&batch, in: StageContext(stage: "shuffle"))
    let sum = batch.trajectories.reduce(0) { $0 + ($1.lossWeight ?? 0) * Double($1.draws?.count ?? 0) }
    #expect(abs(sum / 18 - 1) < 1e-12)
  }

  @Test("odds of a draw with replacement are told from rewards, of what lies in the band")
  func odds() {
    func entry(_ id: String, _ reward: Double, draws: [Int]? = nil) -> LineageEntry {
      LineageEntry(id: id, group: id, reward: reward, advantage: reward, draws: draws)
    }
    let all = [entry("a", 2, draws: [0, 2]), entry("b", 1, draws: [1]), entry("c", 9)]
    let step = LineageStep(group: [all[0]]) { show in all.forEach(show) }
    let told = stage {
      $0.weigh = .reward
      $0.exponent = 2
      $0.replacement = true
      $0.band = [0, 5]
    }.explanation(of: all[0], in: step)
    let facts = Dictionary(uniqueKeysWithValues: (told?.facts ?? []).map { ($0.key, $0.value.doubleValue) })
    #expect(abs((facts["share"] ?? 0)! - 0.8) < 1e-6)
    #expect(abs((facts["expected"] ?? 0)! - 2.4) < 1e-6)
    #expect(facts["units"] == 2)
    var outside = all[2]
    outside.outcome = .dropped(stage: "shuffle", rule: "outside-band")
    #expect(stage { $0.band = [0, 5] }.explanation(of: outside, in: step) == nil)
  }

  @Test("options that contradict one another are refused")
  func problems() {
    func problems(_ change: (inout ShuffleStage.Options) -> Void) -> [String] {
      var options = ShuffleStage.Options()
      change(&options)
      return options.problems().map { "\($0.path) \($0.message)" }
    }
    #expect(problems { $0.size = 0 } == ["size is 0.0, it must be above 0"])
    #expect(
      problems { $0.band = [1, 0.5] } == [
        "band is [1.0, 0.5], it must be two numbers, the lower one first, or [] for no limits"
      ])
    #expect(
      problems {
        $0.mode = .reweight
        $0.replacement = true
      } == ["replacement says how to draw, and mode 'reweight' draws nothing; leave it out"])
    #expect(
      problems {
        $0.weigh = .reward
        $0.weighting = .softmax
      } == ["weighting is 'softmax', which rewards below 0 do not suit; use power, max-min or max-random"])
  }
}

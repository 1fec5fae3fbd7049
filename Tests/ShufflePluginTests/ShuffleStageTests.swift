// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import ShufflePlugin
import Testing

@Suite("ShuffleStage", .timeLimit(.minutes(15)))
struct ShuffleStageTests {
  private func stage(_ change: (inout ShuffleStage.Options) -> Void = { _ in }) -> ShuffleStage {
    var options = ShuffleStage.Options()
    change(&options)
    return ShuffleStage(options: options, assembly: .plain())
  }

  private let context = StageContext(stage: "shuffle", step: 3, seed: 7)

  /// Single trajectories, one group each, with these advantages.
  private func singles(_ advantages: [Double?]) -> TrajectoryBatch {
    .sample(rewards: advantages.map { [$0] }) { $0.advantage = $0.reward }
  }

  /// Pairs, one group each; the low member stands first in the input.
  private func pairs(_ advantages: [(high: Double, low: Double)]) -> TrajectoryBatch {
    var batch = TrajectoryBatch.sample(rewards: advantages.map { [$0.low, $0.high] }) {
      $0.advantage = $0.reward
    }
    for index in 0..<batch.count {
      let group = batch[index].group
      let isHigh = !index.isMultiple(of: 2)
      batch[index].pair = Pair(
        rank: 0, side: isHigh ? .high : .low, weight: 1, partner: "\(group)/\(isHigh ? 0 : 1)")
    }
    return batch
  }

  /// The ids of the drawn batch, in its order.
  private func drawn(_ batch: TrajectoryBatch) -> [String] {
    var slots = [Int: String]()
    for trajectory in batch.trajectories {
      for position in trajectory.draws ?? [] { slots[position] = trajectory.id }
    }
    return (0..<slots.count).map { slots[$0] ?? "missing" }
  }

  private func metric(_ name: String) -> Double? {
    context.report.metrics.first { $0.name == name }?.value
  }

  // The expected draws, in Python:
  //   bits = Philox(key=[7, fnv1a(b"shuffle")], counter=[0, 3, round, 0]).random_raw(len(W))
  //   key  = (0, -log(((b >> 11) + 0.5) * 2.0**-53) / w, j) if w > 0 else (1, b, j)   for each weight and its bits
  //   draw = [j for ... in sorted(keys)[:T]]                                           T = |B| / S
  private static let numPyDraws: [(weights: [Double], rounds: Int, expected: [Int])] = [
    ([1.94, 0.5, 0.25, 2.0, 0.0, 1.0, 3.0], 3, [3, 0, 6, 3, 6, 3, 0]),
    // Fewer units with weight than a round holds: they come first, the rest is uniform.
    ([0, 0, 5, 0, 0, 0, 0.5, 0], 2, [2, 6, 1, 5, 2, 6, 4, 1]),
    // More rounds than units.
    ([1, 2, 3], 8, [0, 2, 0]),
    (
      (0..<40).map { Double($0 % 7) / 2 }, 4,
      [
        9, 18, 25, 26, 30, 31, 19, 27, 17, 33, 13, 27, 39, 11, 12, 3, 19, 20, 34, 25, 18, 39, 32, 38, 33, 27,
        19,
        3, 25, 26, 25, 11, 39, 10, 4, 26, 34, 31, 17, 3,
      ]
    ),
  ]

  @Test("draws equal NumPy's with the same key, round by round", arguments: numPyDraws)
  func equalsNumPy(weights: [Double], rounds: Int, expected: [Int]) async throws {
    var batch = singles(weights)
    try await stage { $0.rounds = rounds }.run(&batch, in: context)
    #expect(drawn(batch) == expected.map { "g\($0)/0" })
    #expect(batch.drops.count + batch.count == weights.count)
    #expect(batch.drops.allSatisfy { $0.rule == "not-drawn" })
    #expect(metric("distinct_pairs") == Double(Set(expected).count))
  }

  @Test("pair members stay adjacent, the better one first")
  func adjacent() async throws {
    var batch = pairs([(1.94, 0), (0.25, -0.25), (0, -0.25), (2, 0), (0, 0), (0.5, -0.5), (1, -2)])
    try await stage { $0.rounds = 3 }.run(&batch, in: context)
    let expected = [3, 0, 6, 3, 6, 3, 0].flatMap { ["g\($0)/1", "g\($0)/0"] }
    #expect(drawn(batch) == expected)
    #expect(batch.trajectories.map(\.id) == ["g0/0", "g0/1", "g3/0", "g3/1", "g6/0", "g6/1"])
    #expect(batch.trajectories.first?.draws == [3, 13])
    #expect(metric("max_exposure") == 3)
  }

  @Test("the effective sample size is (ΣW)² / ΣW²")
  func effectiveSampleSize() async throws {
    var batch = singles([1, 1, 2, 0])
    try await stage().run(&batch, in: context)
    #expect(abs((metric("effective_sample_size") ?? 0) - 16.0 / 6) < 1e-12)
  }

  @Test("all weights zero: the batch passes through unshuffled, with a warning")
  func allZero() async throws {
    var batch = pairs([(0, 0), (0, 0)])
    try await stage { $0.correction = .importance }.run(&batch, in: context)
    #expect(batch.trajectories.map(\.draws) == [[0], [1], [2], [3]])
    #expect(batch.trajectories.allSatisfy { $0.lossWeight == 1 })
    #expect(
      context.report.warnings.map(\.message) == [
        "all 2 weights are zero; the batch passes through unshuffled"
      ])
  }

  @Test("a pair member whose partner left is drawn singly, with a warning")
  func widowed() async throws {
    var batch = pairs([(1, -1), (2, -1)])
    batch.drop(stage: "other") { $0 == 1 ? "some-rule" : nil }
    try await stage { $0.rounds = 1 }.run(&batch, in: context)
    #expect(Set(batch.trajectories.flatMap { $0.draws ?? [] }) == [0, 1, 2])
    #expect(
      context.report.warnings.map(\.message) == [
        "1 trajectories are drawn singly since the other member of their pair is not in the batch"
      ])
  }

  @Test("a trajectory without an advantage leaves")
  func noAdvantage() async throws {
    var batch = singles([1, nil])
    try await stage().run(&batch, in: context)
    #expect(batch.trajectories.map(\.draws) == [[0]])
    #expect(batch.drops.map(\.rule) == ["no-advantage"])
  }

  @Test("reweight draws nothing: the loss weight is |B|·Φ")
  func reweight() async throws {
    var batch = pairs([(1, -1), (3, -3)])
    batch[0].draws = [5]
    let stage = stage { $0.mode = .reweight }
    try await stage.run(&batch, in: context)
    #expect(batch.trajectories.map(\.lossWeight) == [0.5, 0.5, 1.5, 1.5])
    #expect(batch.trajectories.allSatisfy { $0.draws == nil })
    #expect(stage.writes == [.lossWeight])
  }

  @Test("the correction is 1/(|B|·Φ), capped, with mean 1 over the drawn batch")
  func correction() async throws {
    var batch = pairs([(1, -1), (2, -2), (0, 0), (0.001, 0)])
    try await stage {
      $0.rounds = 1
      $0.correction = .importance
    }.run(&batch, in: context)
    // One round draws every pair once. Φ = 2, 4, 0 and 0.001 of 6.001; the last two are capped at 10.
    let raw = [6.001 / 8, 6.001 / 16, 10, 10]
    let mean = raw.reduce(0, +) / 4
    let found = batch.trajectories.enumerated().filter { $0.offset.isMultiple(of: 2) }
      .map { $0.element.lossWeight ?? .nan }
    #expect(zip(found, raw).allSatisfy { abs($0 - $1 / mean) < 1e-12 })
    #expect(
      zip(batch.trajectories, batch.trajectories.dropFirst()).enumerated()
        .filter { $0.offset.isMultiple(of: 2) }.allSatisfy {
          $0.element.0.lossWeight == $0.element.1.lossWeight
        })
  }

  @Test(
    "importance by sum, max, mean or the better member",
    arguments: [
      (ShuffleStage.WeightBy.sum, [1.2, 0.8]), (.max, [1.5, 0.5]), (.mean, [1.2, 0.8]),
      (.positive, [0.5, 1.5]),
    ])
  func weightBy(weightBy: ShuffleStage.WeightBy, expected: [Double]) async throws {
    var batch = pairs([(-1, -5), (3, -1)])
    if weightBy == .max { batch = pairs([(3, -1), (1, 0)]) }
    try await stage {
      $0.mode = .reweight
      $0.weightBy = weightBy
    }.run(&batch, in: context)
    let found = [batch[0].lossWeight ?? .nan, batch[2].lossWeight ?? .nan]
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test("|B'| = |B|, exposure is at most S, and every position is filled once")
  func exhaustive() async throws {
    for size in [0, 1, 2, 3, 4, 5, 16, 17] {
      for rounds in [1, 2, 3, 4, 8, 20] {
        for positive in 0...size {
          let advantages = (0..<size).map { (($0 * 7) % max(size, 1)) < positive ? 0.5 + Double($0) : 0 }
          var batch = pairs(advantages.map { ($0, 0) })
          try await stage { $0.rounds = rounds }.run(&batch, in: StageContext(stage: "shuffle"))
          let draws = batch.trajectories.map { $0.draws ?? [] }
          #expect(draws.joined().sorted() == Array(0..<2 * size))
          #expect(draws.allSatisfy { !$0.isEmpty && $0.count <= rounds && $0 == $0.sorted() })
          guard positive > 0 else { continue }
          // Within a round no pair occurs twice, and every weighted one occurs where they fit.
          let slots = drawn(batch)
          var start = 0
          for round in 0..<rounds {
            let length = size / rounds + (round < size % rounds ? 1 : 0)
            let highs = stride(from: 2 * start, to: 2 * (start + length), by: 2).map { slots[$0] }
            #expect(Set(highs).count == length)
            let weighted = highs.count { id in (batch.trajectories.first { $0.id == id }?.advantage ?? 0) > 0
            }
            #expect(weighted == min(length, positive))
            start += length
          }
        }
      }
    }
  }

  @Test("the stage obeys the laws")
  func laws() async throws {
    var paired = pairs((0..<23).map { (Double($0 % 5), -Double($0 % 3)) })
    paired.drop(stage: "other") { $0 == 4 ? "some-rule" : nil }
    for mode in [ShuffleStage.Mode.resample, .reweight] {
      for correction in [ShuffleStage.Correction.none, .importance] {
        let stage = stage {
          $0.mode = mode
          $0.correction = correction
        }
        try await StageLaws.check(stage, groupOrder: .material)
        try await StageLaws.check(stage, on: [paired], groupOrder: .material)
      }
    }
    try OptionsLaws.check(ShuffleStage.Options.self)
  }

  @Test("options out of range are named")
  func problems() {
    var options = ShuffleStage.Options()
    options.rounds = 0
    options.exponent = -1
    options.temperature = 0
    options.cap = 0
    options.mode = .reweight
    options.correction = .importance
    #expect(
      options.problems().map { "\($0.path) \($0.message)" } == [
        "rounds is 0, it must be at least 1", "exponent is -1.0, it must not be negative",
        "temperature is 0.0, it must be above 0", "cap is 0.0, it must be above 0",
        "correction is 'importance', it corrects draws, and mode 'reweight' draws nothing",
      ])
  }
}

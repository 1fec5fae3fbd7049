// SPDX-License-Identifier: Apache-2.0
import Foundation
import PairwiseSamplePlugin
import PipelineCore
import PipelineTesting
import Testing

/// Parity with numbers of the published reference program; see `Fixtures/README.md`.
@Suite("Pairs of the reference", .timeLimit(.minutes(15)))
struct PairwiseSampleParityTests {
  private struct Fixture: Decodable { let cases: [Case] }

  private struct Case: Decodable {
    let k: Int
    let purning_ratio: Double
    let group: [String]
    let advantage: [Double]
    let pairs: [Pair]
    let independent_keep_index: [Int]

    struct Pair: Decodable {
      let pair_index: [Int]
      let adv_sum: Double
    }
  }

  private func cases() throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let data = try Data(contentsOf: folder.appending(path: "pairwise_sampling.json"))
    return try JSONDecoder().decode(Fixture.self, from: data).cases
  }

  private func sample(
    _ numbers: Case, _ strategy: PairwiseSampleStage.Strategy = .maxMin
  ) async throws -> TrajectoryBatch? {
    var batch = TrajectoryBatch(
      numbers.advantage.indices.map { index in
        var trajectory = Trajectory(id: "\(index)", group: numbers.group[index])
        trajectory.advantage = numbers.advantage[index]
        return trajectory
      })
    var options = PairwiseSampleStage.Options()
    options.keep = 1 - numbers.purning_ratio
    options.strategy = strategy
    do {
      try await PairwiseSampleStage(options: options, assembly: .plain())
        .run(&batch, in: StageContext(stage: "pairwise-sample"))
    } catch is PipelineError { return nil }
    return batch
  }

  @Test("pairs equal the reference's exactly, their weights to 1e-6")
  func pairs() async throws {
    let cases = try cases()
    #expect(cases.count == 60)
    for numbers in cases {
      // Where no pair is kept the reference goes on with nothing, and we refuse.
      guard let batch = try await sample(numbers) else {
        #expect(numbers.pairs.isEmpty)
        continue
      }
      var found: [[Int]] = []
      for group in batch.groups {
        let highs = group.positions.map { batch[$0] }.filter { $0.pair?.side == .high }
        for high in highs.sorted(by: { ($0.pair?.rank ?? 0) < ($1.pair?.rank ?? 0) }) {
          let low = try #require(high.pair).partner
          found.append([try #require(Int(high.id)), try #require(Int(low))])
          let weight = try #require(high.pair).weight
          #expect(abs(weight - numbers.pairs[found.count - 1].adv_sum) < 1e-6)
        }
      }
      #expect(found == numbers.pairs.map(\.pair_index))
    }
  }

  @Test("where both keep as many, the magnitudes of largest-magnitude equal the reference's")
  func largestMagnitude() async throws {
    var compared = 0
    for numbers in try cases() {
      guard let batch = try await sample(numbers, .largestMagnitude),
        batch.count == numbers.independent_keep_index.count
      else { continue }
      // Ties are broken differently, so that magnitudes are compared.
      let found = batch.trajectories.map { abs($0.advantage ?? .nan) }.sorted()
      #expect(found == numbers.independent_keep_index.map { abs(numbers.advantage[$0]) }.sorted())
      compared += 1
    }
    #expect(compared > 30)
  }
}

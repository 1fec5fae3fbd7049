// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import ShufflePlugin
import Testing

/// Parity with numbers of the published reference program and of NumPy; see `Fixtures/README.md`.
@Suite("Weights and draws of the reference", .timeLimit(.minutes(15)))
struct ShuffleParityTests {
  private struct Fixture: Decodable {
    let normalize: [Weights]
    let inclusion: [Inclusion]
  }

  private struct Weights: Decodable {
    let weights: [Double]
    let method: String
    let p: Double
    let t_max: Double
    let probabilities: [Double]
  }

  private struct Inclusion: Decodable {
    let weights: [Double]
    let draw: Int
    let trials: Int
    let inclusion_frequency: [Double]
    let first_draw_frequency: [Double]
  }

  private func fixture() throws -> Fixture {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return try JSONDecoder().decode(
      Fixture.self, from: Data(contentsOf: folder.appending(path: "shuffle_weights.json")))
  }

  @Test("probabilities of every weighting equal the reference's to 1e-12")
  func weightings() throws {
    let cases = try fixture().normalize
    #expect(cases.count == 48)
    for numbers in cases {
      var options = ShuffleStage.Options()
      options.weighting = try #require(
        ShuffleStage.Weighting(rawValue: numbers.method.replacingOccurrences(of: "_", with: "-")))
      options.exponent = numbers.p
      options.temperature = numbers.t_max
      let weights = options.weights(numbers.weights)
      let sum = weights.reduce(0, +)
      for (weight, wanted) in zip(weights, numbers.probabilities) {
        #expect(abs(weight / sum - wanted) < 1e-12 * max(wanted, 1e-3), "\(numbers.method) \(numbers.p)")
      }
    }
  }

  @Test("inclusion and first draws are as frequent as with NumPy's weighted choice")
  func frequencies() throws {
    for numbers in try fixture().inclusion {
      let draw = WeightedDraw(weights: numbers.weights)
      let trials = 200_000
      var included = [Int](repeating: 0, count: numbers.weights.count)
      var first = included
      for trial in 0..<trials {
        let random = PhiloxGenerator(seed: 5, purpose: "frequencies", position: (UInt64(trial), 0, 0))
        let drawn = draw.draw(numbers.draw, using: random)
        #expect(Set(drawn).count == numbers.draw)
        first[Int(drawn[0])] += 1
        for index in drawn { included[Int(index)] += 1 }
      }
      for index in numbers.weights.indices {
        for (count, wanted) in [
          (included[index], numbers.inclusion_frequency[index]),
          (first[index], numbers.first_draw_frequency[index]),
        ] {
          // Both sides are estimates; five standard errors of their difference, and a little for none at all.
          let error = (wanted * (1 - wanted) * (1 / Double(trials) + 1 / Double(numbers.trials))).squareRoot()
          #expect(abs(Double(count) / Double(trials) - wanted) < 5 * error + 1e-4)
        }
      }
    }
  }

  @Test("the selection of the smallest keys equals a full sort")
  func selection() {
    for size in [1, 2, 3, 10, 101, 2000] {
      for zeros in [0, size / 3, size - 1] {
        let weights = (0..<size).map { $0 < zeros ? 0 : Double(1 + $0 % 3) }
        let draw = WeightedDraw(weights: weights)
        let random = PhiloxGenerator(seed: 9, purpose: "selection", position: (UInt64(size), 0, 0))
        let all = draw.draw(size, using: random)
        #expect(all.sorted() == (0..<Int32(size)).map { $0 })
        for count in Set([0, 1, size / 7, size / 2, size - 1, size]) {
          #expect(draw.draw(count, using: random) == Array(all.prefix(count)))
        }
      }
    }
  }
}

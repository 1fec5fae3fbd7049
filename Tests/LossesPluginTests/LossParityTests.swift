// SPDX-License-Identifier: Apache-2.0
import Foundation
import LossesPlugin
import PipelineCore
import PipelineTesting
import Testing
import UpdatePlugin

/// Compares losses and KL estimates with the published programs' on the inputs in `Fixtures`.
@Suite("Parity of losses", .timeLimit(.minutes(15)))
struct LossParityTests {
  private struct Case: Decodable {
    struct Loss: Decodable {
      let name: String
      let aggregation: LossAggregation
      let epsilonLow: Double
      let epsilonHigh: Double
      let dualClip: Double
      let loss: Double
      let gradient: [[Double]]?
      let higher: Double?
      let lower: Double?
    }
    let logProbs: [[Double]]
    let oldLogProbs: [[Double]]
    let refLogProbs: [[Double]]
    let advantages: [[Double]]
    let losses: [Loss]
    let kl: [String: [[Double]]]
    let klMaskedMean: [String: Double]

    var shape: MinibatchShape {
      MinibatchShape(tokenCounts: logProbs.map(\.count), draws: logProbs.map { _ in 1 }, longest: 7)
    }

    func tokens(_ index: Int, weight: Double) -> LossTokens {
      LossTokens(
        logProbs: logProbs[index], oldLogProbs: oldLogProbs[index], advantages: advantages[index],
        weights: logProbs[index].map { _ in weight })
    }
  }

  /// Float32 sums on their side: their rounding, and no more.
  private static let tolerance = 1e-5

  private func cases() throws -> [Case] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([Case].self, from: Data(contentsOf: folder.appending(path: "losses.json")))
  }

  private func loss(_ wanted: Case.Loss) throws -> any PolicyLoss {
    switch wanted.name {
    case "clip":
      var options = ClipLoss.Options()
      (options.epsilonLow, options.epsilonHigh) = (wanted.epsilonLow, wanted.epsilonHigh)
      options.dualClip = wanted.dualClip
      return ClipLoss(options: options, assembly: .plain())
    case "cispo":
      var options = CISPOLoss.Options()
      (options.epsilonLow, options.epsilonHigh) = (wanted.epsilonLow, wanted.epsilonHigh)
      return CISPOLoss(options: options, assembly: .plain())
    case "sapo": return SAPOLoss(assembly: .plain())
    default:
      var options = GSPOOptions()
      (options.epsilonLow, options.epsilonHigh) = (wanted.epsilonLow, wanted.epsilonHigh)
      options.dualClip = wanted.dualClip
      return wanted.name == "gspo"
        ? GSPOLoss(options: options, assembly: .plain()) : GSPOTokenLoss(options: options, assembly: .plain())
    }
  }

  @Test("losses, gradients and clip fractions are those of EasyR1 and Shuffle-R1")
  func losses() throws {
    var gradients = 0
    for wanted in try cases() {
      for expected in wanted.losses {
        let loss = try loss(expected)
        #expect(type(of: loss).name == expected.name)
        var sum = 0.0
        var clips: [TokenLosses.Clip] = []
        for index in wanted.logProbs.indices {
          let weight = wanted.shape.weight(ofResponse: index, expected.aggregation)
          let tokens = wanted.tokens(index, weight: weight)
          let found = try loss.evaluate(tokens)
          sum += zip(found.losses, tokens.weights).reduce(0) { $0 + $1.0 * $1.1 }
          clips += found.clips
          if let gradient = expected.gradient {
            for (token, derivative) in gradient[index].enumerated() {
              let difference = abs(found.gradient[token] - derivative)
              #expect(difference < Self.tolerance, "\(expected.name) response \(index) token \(token)")
              gradients += 1
            }
          }
        }
        #expect(abs(sum - expected.loss) < Self.tolerance, "\(expected.name) \(expected.aggregation)")
        for (clip, share) in [(TokenLosses.Clip.higher, expected.higher), (.lower, expected.lower)] {
          guard let share else { continue }
          let found = Double(clips.count { $0 == clip }) / Double(clips.count)
          #expect(abs(found - share) < Self.tolerance, "\(expected.name) \(clip)")
        }
      }
    }
    // 11 of 12 losses have gradients, of 12 and of 48 tokens.
    #expect(gradients == 11 * (12 + 48))
  }

  @Test("KL estimates are those of EasyR1")
  func divergences() throws {
    for wanted in try cases() {
      for estimator in KLEstimator.allCases {
        let expected = try #require(wanted.kl[estimator.rawValue])
        var found: [Double] = []
        for (index, row) in expected.enumerated() {
          for (token, value) in row.enumerated() {
            let estimate = estimator(
              logProb: wanted.logProbs[index][token], reference: wanted.refLogProbs[index][token])
            #expect(abs(estimate.value - value) < Self.tolerance, "\(estimator) response \(index) token \(token)")
            found.append(estimate.value)
          }
        }
        let mean = try #require(wanted.klMaskedMean[estimator.rawValue])
        #expect(abs(found.reduce(0, +) / Double(found.count) - mean) < Self.tolerance, "\(estimator)")
      }
    }
  }
}

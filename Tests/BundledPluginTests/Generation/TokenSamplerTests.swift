// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Drawing a token", .timeLimit(.minutes(15)))
struct TokenSamplerTests {
  private let logits: [Float] = [0.3, -1, 2, 0.3, 1.5, -4, 0]

  private func softmax(_ logits: [Float], _ temperature: Double) -> [Double] {
    let weights = logits.map { exp(Double($0) / temperature) }
    return weights.map { $0 / weights.reduce(0, +) }
  }

  /// How far a log-probability in `Float` may be from the exact one: each number on the way to it rounds.
  ///
  /// Those are the scaled score, the greatest of them, the logarithm of the sum and their difference; in the sum, of
  /// numbers up to 1, seven exponentials of an error of two roundings at most, and six additions, on average of half.
  private func bound(_ token: Int, _ temperature: Double) -> Double {
    let scores = logits.map { Double($0) / temperature }
    let logSum = log(scores.map { exp($0) }.reduce(0, +))
    let sizes = [scores[token], scores.max() ?? 0, logSum, scores[token] - logSum]
    return 0x1p-24 * (sizes.map { abs($0) }.reduce(0, +) + 5)
  }

  private func draw(
    _ logits: [Float], _ sampling: SamplingOptions, forbidden: [Int32] = [], uniform: Double
  ) -> TokenSampler.Draw {
    var logits = logits
    return logits.withUnsafeMutableBufferPointer {
      TokenSampler(sampling: sampling).draw($0, forbidden: forbidden, uniform: uniform)
    }
  }

  /// How often each token is drawn by numbers spread evenly over 0…1: right to within one draw.
  private func shares(_ logits: [Float], _ sampling: SamplingOptions, forbidden: [Int32] = []) -> [Double] {
    let count = 20_000
    var counts = [Double](repeating: 0, count: logits.count)
    for index in 0..<count {
      let uniform = (Double(index) + 0.5) / Double(count)
      counts[Int(draw(logits, sampling, forbidden: forbidden, uniform: uniform).token)] += 1 / Double(count)
    }
    return counts
  }

  private func expect(
    _ found: [Double], _ expected: [Double], source: Testing.SourceLocation = #_sourceLocation
  ) {
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? 1
    #expect(worst < 2e-4, "\(found) against \(expected)", sourceLocation: source)
  }

  @Test("frequencies are softmax(logits / T)", arguments: [0.3, 0.7, 1, 2.5])
  func frequencies(_ temperature: Double) {
    var sampling = SamplingOptions()
    sampling.temperature = temperature
    expect(shares(logits, sampling), softmax(logits, temperature))
  }

  @Test("top-k keeps the most probable; of equal ones the first", arguments: 1...8)
  func topK(_ count: Int) {
    var sampling = SamplingOptions()
    (sampling.temperature, sampling.topK) = (0.7, count)
    let kept = Set([2, 4, 0, 3, 6, 1, 5].prefix(count))
    let all = softmax(logits, 0.7).enumerated().map { kept.contains($0) ? $1 : 0 }
    expect(shares(logits, sampling), all.map { $0 / all.reduce(0, +) })
  }

  @Test("top-p keeps the fewest that reach the sum", arguments: [0.01, 0.5, 0.6, 0.8, 0.95, 0.999, 1])
  func topP(_ sum: Double) {
    var sampling = SamplingOptions()
    sampling.topP = sum
    let probabilities = softmax(logits, 1)
    var kept: Set<Int> = []
    var reached = 0.0
    for token in [2, 4, 0, 3, 6, 1, 5] where reached < sum {
      kept.insert(token)
      reached += probabilities[token]
    }
    let all = probabilities.enumerated().map { kept.contains($0) ? $1 : 0 }
    expect(shares(logits, sampling), all.map { $0 / all.reduce(0, +) })
  }

  @Test("top-p comes behind top-k, of what that leaves")
  func both() {
    var sampling = SamplingOptions()
    (sampling.topK, sampling.topP) = (3, 0.7)
    let probabilities = softmax(logits, 1)
    // Of tokens 2, 4 and 0 the first two reach 0.7 of the sum.
    let sum = probabilities[2] + probabilities[4]
    expect(shares(logits, sampling), [0, 0, probabilities[2] / sum, 0, probabilities[4] / sum, 0, 0])
  }

  @Test("a long tail of improbable tokens counts towards the sum that top-p reaches")
  func tail() {
    // Two likely tokens of 0.45 each, and a thousand that share 0.1: the sum 0.9 is reached by the two.
    let logits = [Float](repeating: Float(log(0.45)), count: 2) + [Float](repeating: Float(log(1e-4)), count: 1000)
    var sampling = SamplingOptions()
    sampling.topP = 0.93
    let found = shares(logits, sampling)
    #expect(found.filter { $0 > 0 }.count == 302)
  }

  @Test("what is forbidden is never drawn, and changes no log-probability", arguments: [0, 0.7, 1])
  func forbidden(_ temperature: Double) {
    var sampling = SamplingOptions()
    sampling.temperature = temperature
    let probabilities = softmax(logits, temperature == 0 ? 1 : temperature)
    if temperature > 0 {
      var left = probabilities
      (left[2], left[5]) = (0, 0)
      expect(shares(logits, sampling, forbidden: [2, 5]), left.map { $0 / left.reduce(0, +) })
    }
    for uniform in [0.001, 0.4, 0.999] {
      let found = draw(logits, sampling, forbidden: [2, 5], uniform: uniform)
      #expect(found.token != 2 && found.token != 5)
      let error = abs(Double(found.logProb) - log(probabilities[Int(found.token)]))
      #expect(error < bound(Int(found.token), temperature == 0 ? 1 : temperature))
      if temperature == 0 { #expect(found.token == 4) }
    }
  }

  @Test("log-probabilities are those before top-k and top-p")
  func logProbs() {
    var sampling = SamplingOptions()
    (sampling.temperature, sampling.topK, sampling.topP) = (0.7, 2, 0.9)
    for uniform in [0.1, 0.9] {
      let found = draw(logits, sampling, uniform: uniform)
      #expect(
        abs(Double(found.logProb) - log(softmax(logits, 0.7)[Int(found.token)])) < bound(Int(found.token), 0.7))
    }
  }

  @Test("greedy takes the first of equals")
  func greedy() {
    var sampling = SamplingOptions()
    sampling.temperature = 0
    #expect(draw([1, 3, 3, 2], sampling, uniform: 0.9).token == 1)
  }
}

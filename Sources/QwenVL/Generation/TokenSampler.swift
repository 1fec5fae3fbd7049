// SPDX-License-Identifier: Apache-2.0
import CKernels
import PipelineCore
import Tensor

/// Draws the next token from logits.
struct TokenSampler {
  let sampling: SamplingOptions

  /// What was drawn.
  struct Draw {
    var token: Int32
    /// Its log-probability under softmax(logits / temperature), before top-k and top-p.
    var logProb: Float
  }

  /// Draws from one row of logits, which it overwrites.
  ///
  /// - Parameters:
  ///   - forbidden: Tokens that cannot be drawn, such as end tokens before the shortest length.
  ///   - uniform: A number in (0, 1).
  func draw(_ logits: UnsafeMutableBufferPointer<Float>, forbidden: [Int32], uniform: Double) -> Draw {
    for token in forbidden { logits[Int(token)] = -.infinity }
    let isGreedy = sampling.temperature == 0
    let best = Self.greatest(logits)
    if isGreedy { return Draw(token: Int32(best), logProb: softmax(logits, scale: 1).logProb(best)) }
    // The scores become probabilities in place.
    let distribution = softmax(logits, scale: 1 / sampling.temperature)
    let token =
      sampling.topP < 1 || sampling.topK > 0
      ? truncatedDraw(logits, uniform: uniform) : Self.plainDraw(logits, uniform: uniform, fallback: best)
    return Draw(token: Int32(token), logProb: distribution.logProb(token))
  }

  private struct Distribution {
    let scores: [Float]
    let logSum: Float
    func logProb(_ token: Int) -> Float { scores[token] - logSum }
  }

  private func softmax(_ logits: UnsafeMutableBufferPointer<Float>, scale: Double) -> Distribution {
    // Log-probabilities come from the scores themselves: exact also where a probability has underflowed.
    let scores = logits.map { $0 * Float(scale) }
    var logSum: Float = 0
    ck_masked_softmax(
      CK_FLOAT, 1, logits.count, [0], logits.count, scale, logits.baseAddress, logits.count, &logSum, 1)
    return Distribution(scores: scores, logSum: logSum)
  }

  /// The first of the greatest.
  private static func greatest(_ values: UnsafeMutableBufferPointer<Float>) -> Int {
    var best = 0
    for index in values.indices where values[index] > values[best] { best = index }
    return best
  }

  private static func plainDraw(
    _ probabilities: UnsafeMutableBufferPointer<Float>, uniform: Double, fallback: Int
  ) -> Int {
    var left = uniform * probabilities.reduce(0.0) { $0 + Double($1) }
    for (index, probability) in probabilities.enumerated() {
      left -= Double(probability)
      if left < 0 { return index }
    }
    return fallback
  }

  /// Among the most probable: at most `topK` of them, and no more than it takes for their sum to reach `topP`.
  private func truncatedDraw(_ probabilities: UnsafeMutableBufferPointer<Float>, uniform: Double) -> Int {
    var order = candidates(probabilities)
    order.sort { (probabilities[$1], $0) < (probabilities[$0], $1) }
    if sampling.topK > 0 { order = Array(order.prefix(sampling.topK)) }
    let total = order.reduce(0.0) { $0 + Double(probabilities[$1]) }
    var kept = 0
    var sum = 0.0
    while kept < order.count, kept == 0 || sum < sampling.topP * total {
      sum += Double(probabilities[order[kept]])
      kept += 1
    }
    var left = uniform * sum
    for index in order.prefix(kept) {
      left -= Double(probabilities[index])
      if left < 0 { return index }
    }
    return order[0]
  }

  /// Tokens that can be among the most probable at all: with top-p alone, those below (1 − p) / vocabulary cannot.
  private func candidates(_ probabilities: UnsafeMutableBufferPointer<Float>) -> [Int] {
    let least = sampling.topK > 0 ? 0 : Float((1 - sampling.topP) / Double(probabilities.count) * 0.5)
    let found = probabilities.indices.filter { probabilities[$0] > least }
    return found.isEmpty ? Array(probabilities.indices) : found
  }
}

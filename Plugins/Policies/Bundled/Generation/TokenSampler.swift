// SPDX-License-Identifier: Apache-2.0
import CKernels
package import PipelineCore
import Tensor

/// Draws the next token from logits.
package struct TokenSampler {
  let sampling: SamplingOptions

  /// A drawn token.
  package struct Draw {
    /// The token.
    package var token: Int32
    /// Its log-probability under softmax(logits / temperature), before top-k, top-p and the shortest length.
    package var logProb: Float
  }

  /// A sampler with some options.
  package init(sampling: SamplingOptions) { self.sampling = sampling }

  /// Draws from one row of logits, which it overwrites.
  ///
  /// - Parameters:
  ///   - forbidden: Tokens that cannot be drawn, such as end tokens before the shortest length.
  ///   - uniform: A number in (0, 1).
  package func draw(_ logits: UnsafeMutableBufferPointer<Float>, forbidden: [Int32], uniform: Double) -> Draw {
    let isGreedy = sampling.temperature == 0
    // The scores are converted to probabilities in place.
    let distribution = softmax(logits, scale: isGreedy ? 1 : 1 / sampling.temperature)
    let best = distribution.greatest(but: forbidden)
    if isGreedy { return Draw(token: Int32(best), logProb: distribution.logProb(best)) }
    // Forbidden tokens are excluded from the draw, but not from the distribution of log-probabilities.
    for token in forbidden { logits[Int(token)] = 0 }
    let token =
      sampling.topP < 1 || sampling.topK > 0
      ? truncatedDraw(logits, uniform: uniform, fallback: best)
      : Self.plainDraw(logits, uniform: uniform, fallback: best)
    return Draw(token: Int32(token), logProb: distribution.logProb(token))
  }

  private struct Distribution {
    let scores: [Float]
    let logSum: Float
    func logProb(_ token: Int) -> Float { scores[token] - logSum }

    /// The first of the greatest scores.
    func greatest(but forbidden: [Int32]) -> Int {
      var best = -1
      for index in scores.indices where best < 0 || scores[index] > scores[best] {
        if forbidden.isEmpty || !forbidden.contains(Int32(index)) { best = index }
      }
      return max(best, 0)
    }
  }

  private func softmax(_ logits: UnsafeMutableBufferPointer<Float>, scale: Double) -> Distribution {
    // Log-probabilities are computed from the scores: exact even if a probability has underflowed.
    let scores = logits.map { $0 * Float(scale) }
    var logSum: Float = 0
    ck_masked_softmax(
      CK_FLOAT, 1, logits.count, [0], logits.count, scale, logits.baseAddress, logits.count, &logSum, 1)
    return Distribution(scores: scores, logSum: logSum)
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

  /// The candidates: at most `topK` of the most probable tokens, and no more than needed for a sum of `topP`.
  private func truncatedDraw(
    _ probabilities: UnsafeMutableBufferPointer<Float>, uniform: Double, fallback: Int
  ) -> Int {
    var total = probabilities.reduce(0.0) { $0 + Double($1) }
    var order =
      sampling.topK > 0 ? Self.greatest(sampling.topK, of: probabilities) : candidates(probabilities, total: total)
    order.sort { Self.isBefore($0, $1, probabilities) }
    if sampling.topK > 0 { total = order.reduce(0.0) { $0 + Double(probabilities[$1]) } }
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
    return order.first ?? fallback
  }

  /// More probable tokens first, and lower ids first among equals.
  private static func isBefore(_ a: Int, _ b: Int, _ probabilities: UnsafeMutableBufferPointer<Float>) -> Bool {
    (probabilities[b], a) < (probabilities[a], b)
  }

  /// The `count` most probable tokens, in any order: a heap with the least of them on top, one pass over the
  /// vocabulary.
  private static func greatest(_ count: Int, of probabilities: UnsafeMutableBufferPointer<Float>) -> [Int] {
    var heap = Heap(Array(probabilities.indices.prefix(count))) { isBefore($1, $0, probabilities) }
    for token in probabilities.indices.dropFirst(count) where probabilities[token] > probabilities[heap.first] {
      heap.replaceFirst(by: token)
    }
    return heap.elements
  }

  /// Tokens that can be among those whose probabilities reach p.
  ///
  /// Those below (1 − p) / vocabulary cannot: all others together reach p without them.
  private func candidates(_ probabilities: UnsafeMutableBufferPointer<Float>, total: Double) -> [Int] {
    let least = Float((1 - sampling.topP) * total / Double(probabilities.count) * 0.5)
    return probabilities.indices.filter { probabilities[$0] > least }
  }
}

/// A binary heap of token ids, with the first by `isBefore` on top.
private struct Heap {
  private(set) var elements: [Int]
  private let isBefore: (Int, Int) -> Bool

  init(_ elements: [Int], isBefore: @escaping (Int, Int) -> Bool) {
    self.elements = elements
    self.isBefore = isBefore
    for index in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  var first: Int { elements[0] }

  mutating func replaceFirst(by element: Int) {
    elements[0] = element
    sink(0)
  }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      var next = index
      for child in [2 * index + 1, 2 * index + 2] where child < elements.count {
        if isBefore(elements[child], elements[next]) { next = child }
      }
      if next == index { return }
      elements.swapAt(index, next)
      index = next
    }
  }
}

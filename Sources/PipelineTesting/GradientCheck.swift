// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Compares the gradients of a loss with differences of its values.
struct GradientCheck {
  /// How many derivatives were compared.
  private(set) var smooth = 0
  /// How many places have no derivative.
  private(set) var kinks = 0

  private let step = 1e-6
  private let tolerance = 1e-4

  mutating func compare(
    _ result: TokenLosses, _ loss: any PolicyLoss, _ point: LossTokens, _ gradient: LossLaws.Gradient,
    _ example: String, _ book: inout LawBook
  ) throws {
    let losses: (LossTokens) throws -> [Double] =
      switch gradient {
      case .derivative: { try loss.evaluate($0).losses }
      case .holding(let held): { try held($0, point) }
      }
    let here = try losses(point)
    for (token, (value, held)) in zip(result.losses, here).enumerated()
    where abs(value - held) > 1e-9 * max(1, abs(value)) {
      book.breaks("what is held has the value of the loss", "\(example): \(held) for \(value) at token \(token)")
    }
    for token in 0..<point.count {
      var shifted = point
      shifted.logProbs[token] = point.logProbs[token] + step
      let after = try losses(shifted)
      shifted.logProbs[token] = point.logProbs[token] - step
      let before = try losses(shifted)
      let forward = difference(after, here, point.weights)
      let backward = difference(here, before, point.weights)
      let size = max(1, abs(forward.value), abs(backward.value))
      let noise = forward.noise + backward.noise
      if abs(forward.value - backward.value) > tolerance * size + noise {
        kinks += 1
        continue
      }
      smooth += 1
      let expected = (forward.value + backward.value) / 2
      if abs(result.gradient[token] - expected) > tolerance * size + noise {
        book.breaks(
          "the gradient is the derivative",
          "\(example): \(result.gradient[token]) at token \(token), where differences give \(expected)")
      }
    }
  }

  /// The rate of change of the weighted sum, and how much of it may be rounding.
  ///
  /// Differences are taken token by token, so that constant losses do not add to the noise.
  private func difference(_ after: [Double], _ before: [Double], _ weights: [Double]) -> (value: Double, noise: Double)
  {
    var value = 0.0
    var noise = 0.0
    for token in weights.indices where after[token] != before[token] {
      value += weights[token] * (after[token] - before[token]) / step
      noise += weights[token] * (abs(after[token]) + abs(before[token])) * 4e-16 / step
    }
    return (value, noise)
  }
}

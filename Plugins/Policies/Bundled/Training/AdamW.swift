// SPDX-License-Identifier: Apache-2.0
import CKernels
package import PipelineCore
package import Tensor

/// AdamW with PyTorch's semantics: decoupled decay, bias-corrected moments, one global norm for clipping.
///
/// Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization"; `torch.optim.AdamW`.
package final class AdamW {
  private let parameters: [Parameter]
  private let workers: Workers
  private let pool: MemoryPool
  private(set) var steps = 0
  /// First and second moments, one matrix for each trainable parameter.
  private(set) var moments: [(first: Matrix<Float>, second: Matrix<Float>)] = []

  private static let elementsPerPart = 1 << 15

  /// An optimizer of the parameters that need a gradient.
  package init(_ parameters: [Parameter], workers: Workers, pool: MemoryPool) {
    self.parameters = parameters.filter(\.variable.needsGradient)
    self.workers = workers
    self.pool = pool
  }

  /// The trainable parameters, in the order of ``moments``.
  var learning: [Parameter] { parameters }

  /// Applies all gradients and clears them.
  ///
  /// - Throws: When a gradient is not finite; gradients are then cleared, and nothing else has changed.
  package func step(_ step: OptimizerStep) throws -> OptimizerReport {
    defer { for parameter in parameters { parameter.variable.dropGradient() } }
    var squares = 0.0
    for parameter in parameters {
      guard let gradient = parameter.variable.gradient else { continue }
      let sum = sumOfSquares(gradient)
      guard sum.isFinite else {
        throw PipelineError(
          .invalidData,
          "the gradient of '\(parameter.name)' is not finite; the step is not applied. Lower the learning rate, or look "
            + "for infinite advantages")
      }
      squares += sum
    }
    let norm = squares.squareRoot()
    // As in torch.nn.utils.clip_grad_norm_.
    let scale = min(1, step.maxGradientNorm / (norm + 1e-6))
    startMoments()
    steps += 1
    for (parameter, moments) in zip(parameters, moments) {
      guard let gradient = parameter.variable.gradient else { continue }
      let value = parameter.variable.value
      let decays = step.decaying == .all || value.rows > 1
      let rate = step.learningRate * (parameter.isVision ? step.visionRateFactor : 1)
      workers.forEachPart(of: value.count, size: Self.elementsPerPart) { part in
        let at = part.lowerBound
        ck_adam_step(
          CK_FLOAT, part.count, rate, step.beta1, step.beta2, step.epsilon, decays ? step.weightDecay : 0,
          1 - power(step.beta1, steps), 1 - power(step.beta2, steps), scale, gradient.pointer + at,
          moments.first.pointer + at, moments.second.pointer + at, value.pointer + at)
      }
      parameter.variable.valueChanged()
    }
    return OptimizerReport(gradientNorm: norm, steps: steps)
  }

  /// Restores a saved state.
  func restore(
    steps: Int, moment: (Int, UnsafeMutableBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) throws -> Void
  )
    rethrows
  {
    startMoments()
    self.steps = steps
    for (index, moments) in moments.enumerated() { try moment(index, moments.first.elements, moments.second.elements) }
  }

  private func startMoments() {
    guard moments.isEmpty else { return }
    moments = parameters.map { parameter in
      let value = parameter.variable.value
      let pair = (
        first: Matrix<Float>(rows: value.rows, columns: value.columns, pool: pool),
        second: Matrix<Float>(rows: value.rows, columns: value.columns, pool: pool)
      )
      pair.first.clear()
      pair.second.clear()
      return pair
    }
  }

  private func sumOfSquares(_ matrix: Matrix<Float>) -> Double {
    let parts = (matrix.count + Self.elementsPerPart - 1) / Self.elementsPerPart
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: parts) { sums in
      workers.forEachPart(of: matrix.count, size: Self.elementsPerPart) { part in
        sums[part.lowerBound / Self.elementsPerPart] = ck_sum_of_squares(
          CK_FLOAT, part.count, matrix.pointer + part.lowerBound)
      }
      return sums.reduce(0, +)
    }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var (base, exponent) = (base, exponent)
    while exponent > 0 {
      if exponent & 1 == 1 { result *= base }
      base *= base
      exponent >>= 1
    }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Computes with variables and records the operations, so that gradients can be computed backwards.
///
/// An operation computes at once and returns a variable. ``backward()`` goes through the operations in reverse; each
/// adds to the gradients of its inputs and then releases what it kept. One thread uses a tape at a time; the operations
/// share their work among ``workers``.
package final class Tape<S: Scalar> {
  /// The threads that compute.
  package let workers: Workers
  /// The memory of matrices.
  package let pool: MemoryPool
  /// Whether operations are recorded.
  package let isRecording: Bool
  /// The format of weights, if it is not their own; for tapes that record nothing.
  let weightFormat: WeightFormat?
  private var steps: [() -> Void] = []

  /// A tape; one that does not record computes values only, and may use weights in another format than their own.
  package init(workers: Workers, pool: MemoryPool, isRecording: Bool, weights: WeightFormat = .float32) {
    precondition(!isRecording || weights == .float32, "gradients are those of the weights as they are")
    weightFormat = weights == .float32 ? nil : weights
    self.workers = workers
    self.pool = pool
    self.isRecording = isRecording
  }

  /// A constant.
  package func constant(_ value: Matrix<S>) -> Variable<S> { Variable(value, needsGradient: false, pool: pool) }

  /// A matrix with uninitialized elements.
  func matrix(_ rows: Int, _ columns: Int) -> Matrix<S> { Matrix(rows: rows, columns: columns, pool: pool) }

  func variable(_ value: Matrix<S>, needsGradient: Bool) -> Variable<S> {
    Variable(value, needsGradient: needsGradient && isRecording, pool: pool)
  }

  /// Records an operation's backward pass.
  func record(_ step: @escaping () -> Void) {
    if isRecording { steps.append(step) }
  }

  /// Computes the gradients of everything that outputs with a gradient depend on.
  ///
  /// Callers set the gradients of the outputs first, with ``Variable/gradientSum()``. The tape is empty afterwards.
  package func backward() {
    while let step = steps.popLast() { step() }
  }

  /// Forgets all operations without a backward pass, and releases what they kept.
  package func forget() { steps = [] }
}

// SPDX-License-Identifier: Apache-2.0

/// A matrix in a computation, and the gradient of the loss with respect to it.
package final class Variable<S: Scalar> {
  /// The value.
  package let value: Matrix<S>
  /// Whether the backward pass computes a gradient.
  package let needsGradient: Bool
  /// The gradient, once something has been added to it.
  package internal(set) var gradient: Matrix<S>?
  /// Whether it is the weight of many products, so that its packed form is worth its memory.
  ///
  /// What changes the value must then call ``valueChanged()``.
  package let keepsPacked: Bool
  /// The transpose in the layout of products, while the value does not change.
  var packedTranspose: PackedMatrix<S>?
  /// The same in a narrow format.
  var narrowTranspose: PackedMatrix<S>?
  private let pool: MemoryPool

  /// A variable.
  package init(_ value: Matrix<S>, needsGradient: Bool, keepsPacked: Bool = false, pool: MemoryPool) {
    self.value = value
    self.needsGradient = needsGradient
    self.keepsPacked = keepsPacked
    self.pool = pool
  }

  /// Forgets what was made of the value.
  package func valueChanged() { (packedTranspose, narrowTranspose) = (nil, nil) }

  /// The gradient to add to, initially 0.
  package func gradientSum() -> Matrix<S> {
    if let gradient { return gradient }
    let gradient = Matrix<S>(rows: value.rows, columns: value.columns, pool: pool)
    gradient.clear()
    self.gradient = gradient
    return gradient
  }

  /// The gradient for a product that either sets it (factor 0) or adds to it (factor 1).
  func gradientForProduct() -> (matrix: Matrix<S>, factor: Double) {
    if let gradient { return (gradient, 1) }
    let gradient = Matrix<S>(rows: value.rows, columns: value.columns, pool: pool)
    self.gradient = gradient
    return (gradient, 0)
  }

  /// Drops the gradient and returns its memory.
  package func dropGradient() { gradient = nil }
}

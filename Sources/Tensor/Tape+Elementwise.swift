// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The number of elements in one part of an elementwise loop.
private let elementsPerPart = 1 << 15

extension Tape {
  /// The rows of a matrix that one thread takes at a time.
  func rowsPerPart(_ columns: Int) -> Int { max(1, elementsPerPart / max(1, columns)) }

  /// Root mean square layer normalisation: `x / sqrt(mean(x²) + ε) · weight`, row by row.
  ///
  /// Source: Zhang and Sennrich 2019.
  package func rmsNorm(_ x: Variable<S>, _ weight: Variable<S>, epsilon: Double) -> Variable<S> {
    let (rows, width) = (x.value.rows, x.value.columns)
    let y = variable(matrix(rows, width), needsGradient: x.needsGradient || weight.needsGradient)
    let inverse = matrix(rows, 1)
    workers.forEachPart(of: rows, size: rowsPerPart(width)) { r in
      let at = r.lowerBound * width
      ck_rms_norm(
        S.kernelType, r.count, width, epsilon, x.value.pointer + at, weight.value.pointer, y.value.pointer + at,
        inverse.pointer + r.lowerBound)
    }
    record { [self] in
      guard let dy = y.gradient else { return }
      let size = rowsPerPart(width)
      let parts = (rows + size - 1) / size
      let dx = x.needsGradient ? x.gradientSum() : nil
      // One sum of weight gradients for each part, added up in order.
      let sums = weight.needsGradient ? matrix(parts, width) : nil
      sums?.clear()
      workers.forEachPart(of: rows, size: size) { r in
        let at = r.lowerBound * width
        ck_rms_norm_backward(
          S.kernelType, r.count, width, x.value.pointer + at, weight.value.pointer, inverse.pointer + r.lowerBound,
          dy.pointer + at, dx.map { $0.pointer + at }, sums.map { $0.pointer + r.lowerBound / size * width })
      }
      if let sums {
        ck_add_column_sums(S.kernelType, parts, width, sums.pointer, width, weight.gradientSum().pointer)
      }
    }
    return y
  }

  /// `silu(gate) · up` of rows that hold gate and up side by side: [n, 2 · width] → [n, width].
  ///
  /// Source: Shazeer 2020.
  package func swiGLU(_ x: Variable<S>) -> Variable<S> {
    let (rows, width) = (x.value.rows, x.value.columns / 2)
    let y = variable(matrix(rows, width), needsGradient: x.needsGradient)
    workers.forEachPart(of: rows, size: rowsPerPart(width)) { r in
      ck_swiglu(
        S.kernelType, r.count, width, x.value.pointer + r.lowerBound * 2 * width,
        y.value.pointer + r.lowerBound * width)
    }
    record { [self] in
      guard let dy = y.gradient, x.needsGradient else { return }
      precondition(x.gradient == nil, "the input of SwiGLU has one use")
      let dx = x.gradientForProduct().matrix
      workers.forEachPart(of: rows, size: rowsPerPart(width)) { r in
        ck_swiglu_backward(
          S.kernelType, r.count, width, x.value.pointer + r.lowerBound * 2 * width,
          dy.pointer + r.lowerBound * width, dx.pointer + r.lowerBound * 2 * width)
      }
    }
    return y
  }

  /// The Gaussian error linear unit, exact: `x · Φ(x)`.
  package func gelu(_ x: Variable<S>) -> Variable<S> {
    let y = variable(matrix(x.value.rows, x.value.columns), needsGradient: x.needsGradient)
    workers.forEachPart(of: x.value.count, size: elementsPerPart) { part in
      ck_gelu(S.kernelType, part.count, x.value.pointer + part.lowerBound, y.value.pointer + part.lowerBound)
    }
    record { [self] in
      guard let dy = y.gradient, x.needsGradient else { return }
      let dx = x.gradientSum()
      workers.forEachPart(of: x.value.count, size: elementsPerPart) { part in
        ck_gelu_backward(
          S.kernelType, part.count, x.value.pointer + part.lowerBound, dy.pointer + part.lowerBound,
          dx.pointer + part.lowerBound)
      }
    }
    return y
  }

  /// GELU's approximation by tanh: `x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 · x³)))`.
  ///
  /// Source: Hendrycks and Gimpel 2016.
  package func tanhGELU(_ x: Variable<S>) -> Variable<S> {
    // (1 + tanh z) / 2 is sigmoid(2 z).
    let linear = 2 * (2 / Double.pi).squareRoot()
    return sigmoidGELU(x, linear: linear, cubic: 0.044715 * linear)
  }

  /// GELU's approximation `x · sigmoid(1.702 · x)`.
  ///
  /// Source: Hendrycks and Gimpel 2016.
  package func quickGELU(_ x: Variable<S>) -> Variable<S> { sigmoidGELU(x, linear: 1.702, cubic: 0) }

  /// `x · sigmoid(linear · x + cubic · x³)`.
  private func sigmoidGELU(_ x: Variable<S>, linear: Double, cubic: Double) -> Variable<S> {
    let y = variable(matrix(x.value.rows, x.value.columns), needsGradient: x.needsGradient)
    workers.forEachPart(of: x.value.count, size: elementsPerPart) { part in
      ck_sigmoid_gelu(
        S.kernelType, part.count, linear, cubic, x.value.pointer + part.lowerBound, y.value.pointer + part.lowerBound)
    }
    record { [self] in
      guard let dy = y.gradient, x.needsGradient else { return }
      let dx = x.gradientSum()
      workers.forEachPart(of: x.value.count, size: elementsPerPart) { part in
        ck_sigmoid_gelu_backward(
          S.kernelType, part.count, linear, cubic, x.value.pointer + part.lowerBound, dy.pointer + part.lowerBound,
          dx.pointer + part.lowerBound)
      }
    }
    return y
  }

  /// Adds `x` to `y` and returns `y`: a residual connection without another matrix.
  ///
  /// `y` must be the result of an operation whose backward pass does not need it, such as ``linear(_:_:bias:)``.
  package func add(_ x: Variable<S>, into y: Variable<S>) -> Variable<S> {
    precondition(y.needsGradient || !x.needsGradient || !isRecording, "the sum needs a gradient, its target has none")
    addElements(of: x.value, to: y.value)
    record { [self] in
      guard let dy = y.gradient, x.needsGradient else { return }
      addElements(of: dy, to: x.gradientSum())
    }
    return y
  }

  private func addElements(of x: Matrix<S>, to y: Matrix<S>) {
    workers.forEachPart(of: x.count, size: elementsPerPart) { part in
      ck_add_scaled(S.kernelType, part.count, 1, x.pointer + part.lowerBound, y.pointer + part.lowerBound)
    }
  }

  /// The same elements in another shape of the same size.
  package func reshape(_ x: Variable<S>, rows: Int, columns: Int) -> Variable<S> {
    let y = variable(x.value.reshaped(rows: rows, columns: columns), needsGradient: x.needsGradient)
    record { [self] in
      guard let dy = y.gradient, x.needsGradient else { return }
      addElements(of: dy.reshaped(rows: x.value.rows, columns: x.value.columns), to: x.gradientSum())
    }
    return y
  }
}

// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Tape {
  /// `x · weightᵀ + bias`: x [n, in], weight [out, in], bias [1, out], result [n, out].
  package func linear(_ x: Variable<S>, _ weight: Variable<S>, bias: Variable<S>? = nil) -> Variable<S> {
    let (rows, depth, columns) = (x.value.rows, x.value.columns, weight.value.rows)
    precondition(weight.value.columns == depth, "linear: \(depth) columns against \(weight.value.columns)")
    let y = variable(
      matrix(rows, columns),
      needsGradient: x.needsGradient || weight.needsGradient || bias?.needsGradient == true)
    product(x, packedTranspose(of: weight), bias: bias, into: y.value)
    record { [self] in
      guard let dy = y.gradient else { return }
      if x.needsGradient { addProduct(dy, weight.value, to: x) }
      if weight.needsGradient { addOuterProduct(dy, x.value, to: weight) }
      if let bias, bias.needsGradient { addColumnSums(dy, to: bias) }
    }
    return y
  }

  /// `x · weightᵀ + bias` with a weight that is there in packed form alone, so that there are no gradients.
  package func linear(_ x: Variable<S>, _ weight: PackedWeight<S>, bias: Variable<S>? = nil) -> Variable<S> {
    let y = constant(matrix(x.value.rows, weight.transpose.columns))
    product(x, packedTranspose(of: weight), bias: bias, into: y.value)
    return y
  }

  private func product(_ x: Variable<S>, _ weight: PackedMatrix<S>, bias: Variable<S>?, into y: Matrix<S>) {
    precondition(weight.depth == x.value.columns, "linear: \(x.value.columns) columns against \(weight.depth)")
    product(
      Left(pointer: x.value.pointer, stride: x.value.columns), weight, rows: x.value.rows, beta: 0,
      bias: bias.map { UnsafePointer($0.value.pointer) }, into: y.pointer, stride: y.columns)
  }

  /// dx += dy · weight.
  func addProduct(_ dy: Matrix<S>, _ weight: Matrix<S>, to x: Variable<S>) {
    let (dx, factor) = x.gradientForProduct()
    addProduct(dy, weight, toRows: 0..<dy.rows, of: dx, factor: factor)
  }

  /// dx[rows] = dy · weight + factor · dx[rows].
  func addProduct(_ dy: Matrix<S>, _ weight: Matrix<S>, toRows rows: Range<Int>, of dx: Matrix<S>, factor: Double) {
    let right = packed(
      weight.pointer, stride: weight.columns, isTransposed: false, depth: weight.rows, columns: weight.columns)
    product(
      Left(pointer: dy.pointer, stride: dy.columns), right, rows: rows.count, beta: factor,
      into: dx.pointer + rows.lowerBound * dx.columns, stride: dx.columns)
  }

  /// dweight += dyᵀ · x.
  func addOuterProduct(_ dy: Matrix<S>, _ x: Matrix<S>, to weight: Variable<S>) {
    let (dweight, factor) = weight.gradientForProduct()
    let right = packed(x.pointer, stride: x.columns, isTransposed: false, depth: x.rows, columns: x.columns)
    product(
      Left(pointer: dy.pointer, stride: dy.columns, isTransposed: true), right, rows: dweight.rows, beta: factor,
      into: dweight.pointer, stride: dweight.columns)
  }

  private func addColumnSums(_ dy: Matrix<S>, to bias: Variable<S>) {
    let dbias = bias.gradientSum()
    workers.forEachPart(of: dy.columns, size: 64) { columns in
      ck_add_column_sums(
        S.kernelType, dy.rows, columns.count, dy.pointer + columns.lowerBound, dy.columns,
        dbias.pointer + columns.lowerBound)
    }
  }
}

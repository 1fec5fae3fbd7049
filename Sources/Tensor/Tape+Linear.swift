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
    let parts = ProductParts(rows: rows, columns: columns, depth: depth)
    workers.forEach(parts.count) { index in
      let (r, c) = (parts.rows(of: index, rows), parts.columns(of: index, columns))
      let target = y.value.pointer + r.lowerBound * columns + c.lowerBound
      if let bias { ck_fill_rows(S.kernelType, r.count, c.count, bias.value.pointer + c.lowerBound, target, columns) }
      ck_gemm(
        S.kernelType, false, true, r.count, c.count, depth, 1, x.value.pointer + r.lowerBound * depth, depth,
        weight.value.pointer + c.lowerBound * depth, depth, bias == nil ? 0 : 1, target, columns)
    }
    record { [self] in
      guard let dy = y.gradient else { return }
      if x.needsGradient { addProduct(dy, weight.value, to: x) }
      if weight.needsGradient { addOuterProduct(dy, x.value, to: weight) }
      if let bias, bias.needsGradient { addColumnSums(dy, to: bias) }
    }
    return y
  }

  /// dx += dy · weight.
  func addProduct(_ dy: Matrix<S>, _ weight: Matrix<S>, to x: Variable<S>) {
    let (dx, factor) = x.gradientForProduct()
    let parts = ProductParts(rows: dy.rows, columns: weight.columns, depth: weight.rows)
    workers.forEach(parts.count) { index in
      let (r, c) = (parts.rows(of: index, dy.rows), parts.columns(of: index, weight.columns))
      ck_gemm(
        S.kernelType, false, false, r.count, c.count, weight.rows, 1, dy.pointer + r.lowerBound * dy.columns,
        dy.columns, weight.pointer + c.lowerBound, weight.columns, factor,
        dx.pointer + r.lowerBound * dx.columns + c.lowerBound, dx.columns)
    }
  }

  /// dweight += dyᵀ · x.
  func addOuterProduct(_ dy: Matrix<S>, _ x: Matrix<S>, to weight: Variable<S>) {
    let (dweight, factor) = weight.gradientForProduct()
    let parts = ProductParts(rows: dweight.rows, columns: dweight.columns, depth: dy.rows)
    workers.forEach(parts.count) { index in
      let (r, c) = (parts.rows(of: index, dweight.rows), parts.columns(of: index, dweight.columns))
      ck_gemm(
        S.kernelType, true, false, r.count, c.count, dy.rows, 1, dy.pointer + r.lowerBound, dy.columns,
        x.pointer + c.lowerBound, x.columns, factor, dweight.pointer + r.lowerBound * dweight.columns + c.lowerBound,
        dweight.columns)
    }
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

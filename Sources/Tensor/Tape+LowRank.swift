// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Tape {
  /// Adds `scale · (x · downᵀ) · upᵀ` to columns of `y`, and returns the sum: a low-rank change of a linear layer.
  ///
  /// x [n, in], down [rank, in], up [columns, rank]. `y` must be the result of an operation whose backward pass does not
  /// need it, such as ``linear(_:_:bias:)``, and have no other use. Source: Hu et al., "LoRA" (arXiv 2106.09685).
  package func addLowRank(
    of x: Variable<S>, down: Variable<S>, up: Variable<S>, scale: Double, to y: Variable<S>, at column: Int
  ) -> Variable<S> {
    let (rows, rank, width) = (x.value.rows, down.value.rows, up.value.rows)
    precondition(up.value.columns == rank && y.value.columns >= column + width, "low-rank: shapes do not match")
    let inner = linear(x, down)
    let sum = variable(y.value, needsGradient: y.needsGradient || inner.needsGradient || up.needsGradient)
    let ld = y.value.columns
    let parts = ProductParts(rows: rows, columns: width, depth: rank)
    workers.forEach(parts.count) { index in
      let (r, c) = (parts.rows(of: index, rows), parts.columns(of: index, width))
      ck_gemm(
        S.kernelType, false, true, r.count, c.count, rank, scale, inner.value.pointer + r.lowerBound * rank, rank,
        up.value.pointer + c.lowerBound * rank, rank, 1,
        y.value.pointer + r.lowerBound * ld + column + c.lowerBound, ld)
    }
    record { [self] in
      guard let dsum = sum.gradient else { return }
      let dy = dsum.pointer + column
      if up.needsGradient {
        let (dup, factor) = up.gradientForProduct()
        let parts = ProductParts(rows: width, columns: rank, depth: rows)
        workers.forEach(parts.count) { index in
          let (r, c) = (parts.rows(of: index, width), parts.columns(of: index, rank))
          ck_gemm(
            S.kernelType, true, false, r.count, c.count, rows, scale, dy + r.lowerBound, ld,
            inner.value.pointer + c.lowerBound, rank, factor, dup.pointer + r.lowerBound * rank + c.lowerBound, rank)
        }
      }
      if inner.needsGradient {
        let (dinner, factor) = inner.gradientForProduct()
        let parts = ProductParts(rows: rows, columns: rank, depth: width)
        workers.forEach(parts.count) { index in
          let (r, c) = (parts.rows(of: index, rows), parts.columns(of: index, rank))
          ck_gemm(
            S.kernelType, false, false, r.count, c.count, width, scale, dy + r.lowerBound * ld, ld,
            up.value.pointer + c.lowerBound, rank, factor, dinner.pointer + r.lowerBound * rank + c.lowerBound, rank)
        }
      }
      guard y.needsGradient else { return }
      precondition(y.gradient == nil, "the target of a low-rank change has one use")
      y.gradient = dsum
    }
    return sum
  }
}

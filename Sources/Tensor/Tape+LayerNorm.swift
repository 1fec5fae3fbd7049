// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Tape {
  /// Layer normalisation: `(x − mean) / sqrt(variance + ε) · weight + bias`, row by row.
  ///
  /// `weight` and `bias` are trained both or neither. Source: Ba, Kiros and Hinton 2016.
  package func layerNorm(_ x: Variable<S>, weight: Variable<S>, bias: Variable<S>, epsilon: Double) -> Variable<S> {
    precondition(weight.needsGradient == bias.needsGradient, "weight and bias are trained together")
    let (rows, width) = (x.value.rows, x.value.columns)
    let y = variable(matrix(rows, width), needsGradient: x.needsGradient || weight.needsGradient)
    let (means, inverses) = (matrix(rows, 1), matrix(rows, 1))
    let size = rowsPerPart(width)
    workers.forEachPart(of: rows, size: size) { r in
      let at = r.lowerBound * width
      ck_layer_norm(
        S.kernelType, r.count, width, epsilon, x.value.pointer + at, weight.value.pointer, bias.value.pointer,
        y.value.pointer + at, means.pointer + r.lowerBound, inverses.pointer + r.lowerBound)
    }
    record { [self] in
      guard let dy = y.gradient else { return }
      let parts = (rows + size - 1) / size
      let dx = x.needsGradient ? x.gradientSum() : nil
      // One sum of gradients for each part, added up in order.
      let sums = weight.needsGradient ? matrix(2 * parts, width) : nil
      sums?.clear()
      workers.forEachPart(of: rows, size: size) { r in
        let (at, part) = (r.lowerBound * width, r.lowerBound / size)
        ck_layer_norm_backward(
          S.kernelType, r.count, width, x.value.pointer + at, weight.value.pointer, means.pointer + r.lowerBound,
          inverses.pointer + r.lowerBound, dy.pointer + at, dx.map { $0.pointer + at },
          sums.map { $0.pointer + part * width }, sums.map { $0.pointer + (parts + part) * width })
      }
      if let sums {
        ck_add_column_sums(S.kernelType, parts, width, sums.pointer, width, weight.gradientSum().pointer)
        ck_add_column_sums(
          S.kernelType, parts, width, sums.pointer + parts * width, width, bias.gradientSum().pointer)
      }
    }
    return y
  }
}

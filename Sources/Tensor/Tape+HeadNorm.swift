// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Tape {
  /// Normalises every head of the queries and of the keys by its root mean square, in place.
  ///
  /// `projection` [n, (heads + 2 · key-value heads) · size] contains queries, keys and values side by side, and must be
  /// the result of an operation whose backward pass does not need it, such as ``linear(_:_:bias:)``. `queryWeight` and
  /// `keyWeight` [1, size] serve all heads. Source: Henry et al., "Query-Key Normalization for Transformers", as in Qwen3.
  package func normalizeHeads(
    of projection: Variable<S>, _ heads: AttentionHeads, queryWeight: Variable<S>, keyWeight: Variable<S>,
    epsilon: Double
  ) -> Variable<S> {
    let parts = [
      HeadNormPart(column: 0, heads: heads.count, weight: queryWeight),
      HeadNormPart(column: heads.keyOffset, heads: heads.keyValueCount, weight: keyWeight),
    ]
    let y = variable(
      projection.value,
      needsGradient: projection.needsGradient || queryWeight.needsGradient || keyWeight.needsGradient)
    let rows = projection.value.rows
    // What the backward pass needs of the projection as it was.
    let before = isRecording && y.needsGradient ? copy(projection.value, columns: heads.valueOffset) : nil
    let inverses = parts.map { matrix(rows, $0.heads) }
    for (part, inverse) in zip(parts, inverses) {
      let ld = projection.value.columns
      workers.forEachPart(of: rows, size: rowsPerPart(part.heads * heads.size)) { r in
        ck_head_norm(
          S.kernelType, r.count, part.heads, heads.size, epsilon, part.weight.value.pointer,
          projection.value.pointer + r.lowerBound * ld + part.column, ld,
          inverse.pointer + r.lowerBound * part.heads)
      }
    }
    guard let before else { return y }
    record { [self] in
      guard let dy = y.gradient else { return }
      for (part, inverse) in zip(parts, inverses) {
        headNormBackward(part, size: heads.size, before: before, inverse: inverse, dy: dy)
      }
      guard projection.needsGradient else { return }
      precondition(projection.gradient == nil, "the input of a norm of heads has one use")
      projection.gradient = dy
    }
    return y
  }

  /// The first columns of a matrix.
  private func copy(_ x: Matrix<S>, columns: Int) -> Matrix<S> {
    let result = matrix(x.rows, columns)
    workers.forEachPart(of: x.rows, size: rowsPerPart(columns)) { rows in
      for row in rows {
        (result.pointer + row * columns).update(from: x.pointer + row * x.columns, count: columns)
      }
    }
    return result
  }

  /// Turns the gradient of normalised heads, in place, into that of the heads before.
  private func headNormBackward(
    _ part: HeadNormPart<S>, size: Int, before: Matrix<S>, inverse: Matrix<S>, dy: Matrix<S>
  ) {
    let rowsPerSum = rowsPerPart(part.heads * size)
    let parts = (before.rows + rowsPerSum - 1) / rowsPerSum
    // One sum of weight gradients for each part, added up in order.
    let sums = part.weight.needsGradient ? matrix(parts, size) : nil
    sums?.clear()
    workers.forEachPart(of: before.rows, size: rowsPerSum) { r in
      ck_head_norm_backward(
        S.kernelType, r.count, part.heads, size, before.pointer + r.lowerBound * before.columns + part.column,
        before.columns, part.weight.value.pointer, inverse.pointer + r.lowerBound * part.heads,
        dy.pointer + r.lowerBound * dy.columns + part.column, dy.columns,
        sums.map { $0.pointer + r.lowerBound / rowsPerSum * size })
    }
    if let sums {
      ck_add_column_sums(S.kernelType, parts, size, sums.pointer, size, part.weight.gradientSum().pointer)
    }
  }
}

/// The queries or the keys of a projection.
private struct HeadNormPart<S: Scalar> {
  let column: Int
  let heads: Int
  let weight: Variable<S>
}

// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Tape {
  /// Rows of `x` by index, any number of times: an embedding, a selection, a permutation.
  package func rows(of x: Variable<S>, at indices: [Int32]) -> Variable<S> {
    precondition(indices.allSatisfy { $0 >= 0 && Int($0) < x.value.rows }, "a row beyond the \(x.value.rows) there are")
    let width = x.value.columns
    let y = variable(matrix(indices.count, width), needsGradient: x.needsGradient)
    indices.withUnsafeBufferPointer { indices in
      workers.forEachPart(of: indices.count, size: 512) { r in
        ck_gather_rows(
          S.kernelType, r.count, width, indices.baseAddress.map { $0 + r.lowerBound }, x.value.pointer,
          y.value.pointer + r.lowerBound * width)
      }
    }
    record {
      guard let dy = y.gradient, x.needsGradient else { return }
      ck_scatter_rows(S.kernelType, indices.count, width, indices, dy.pointer, x.gradientSum().pointer)
    }
    return y
  }

  /// Puts row `sources[i]` of `x` in place of row `targets[i]` of `y`, and returns `y`; targets must differ.
  package func replaceRows(of y: Variable<S>, at targets: [Int32], by x: Variable<S>, sources: [Int32]) -> Variable<S> {
    precondition(targets.count == sources.count, "as many targets as sources")
    let width = y.value.columns
    for (target, source) in zip(targets, sources) {
      (y.value.pointer + Int(target) * width).update(from: x.value.pointer + Int(source) * width, count: width)
    }
    let result = variable(y.value, needsGradient: y.needsGradient || x.needsGradient)
    record {
      guard let dresult = result.gradient else { return }
      let dx = x.needsGradient ? x.gradientSum() : nil
      for (target, source) in zip(targets, sources) {
        let from = dresult.pointer + Int(target) * width
        if let dx { ck_add_scaled(S.kernelType, width, 1, from, dx.pointer + Int(source) * width) }
        from.update(repeating: 0, count: width)
      }
      if y.needsGradient {
        ck_add_scaled(S.kernelType, dresult.count, 1, dresult.pointer, y.gradientSum().pointer)
      }
    }
    return result
  }

  /// Adds row `i` of `x` to row `targets[i]` of `y`, and returns `y`; targets must differ.
  ///
  /// `y` must be the result of an operation whose backward pass does not need it.
  package func addRows(of x: Variable<S>, to y: Variable<S>, at targets: [Int32]) -> Variable<S> {
    precondition(targets.count == x.value.rows, "as many targets as rows")
    precondition(y.needsGradient || !x.needsGradient || !isRecording, "the sum needs a gradient, its target has none")
    let width = y.value.columns
    for (row, target) in targets.enumerated() {
      ck_add_scaled(S.kernelType, width, 1, x.value.pointer + row * width, y.value.pointer + Int(target) * width)
    }
    record {
      guard let dy = y.gradient, x.needsGradient else { return }
      let dx = x.gradientSum()
      for (row, target) in targets.enumerated() {
        ck_add_scaled(S.kernelType, width, 1, dy.pointer + Int(target) * width, dx.pointer + row * width)
      }
    }
    return y
  }

  /// Weighted sums of rows of `x`: row `i` of the result is the sum over `taps` of row `i`'s weight times its row of `x`.
  ///
  /// - Parameter taps: For each row of the result as many rows of `x` with their weights, one after the other.
  package func weightedRows(of x: Variable<S>, taps: [RowTap], count: Int) -> Variable<S> {
    precondition(count > 0 && taps.count % count == 0, "each row has \(count) taps")
    precondition(
      taps.allSatisfy { $0.row >= 0 && Int($0.row) < x.value.rows }, "a row beyond the \(x.value.rows) there are")
    let width = x.value.columns
    let y = variable(matrix(taps.count / count, width), needsGradient: x.needsGradient)
    workers.forEachPart(of: y.value.rows, size: 64) { rows in
      for row in rows {
        let target = y.value.pointer + row * width
        target.update(repeating: 0, count: width)
        for tap in taps[row * count..<(row + 1) * count] where tap.weight != 0 {
          ck_add_scaled(S.kernelType, width, tap.weight, x.value.pointer + Int(tap.row) * width, target)
        }
      }
    }
    record {
      guard let dy = y.gradient, x.needsGradient else { return }
      let dx = x.gradientSum()
      for (index, tap) in taps.enumerated() where tap.weight != 0 {
        ck_add_scaled(
          S.kernelType, width, tap.weight, dy.pointer + index / count * width, dx.pointer + Int(tap.row) * width)
      }
    }
    return y
  }
}

/// A row with a weight.
package struct RowTap: Sendable, Hashable {
  /// The row.
  package var row: Int32
  /// What it is multiplied by.
  package var weight: Double

  /// A row with a weight.
  package init(row: Int32, weight: Double) {
    self.row = row
    self.weight = weight
  }
}

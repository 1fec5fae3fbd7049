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
}

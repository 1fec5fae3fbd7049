// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Tape {
  /// Log-probabilities of target tokens: `log softmax(x · weightᵀ / temperature)[target]`, [n, 1].
  ///
  /// x [n, width], weight [vocabulary, width]. The logits of all rows are never in memory at once.
  package func logProbs(
    _ x: Variable<S>, _ weight: Variable<S>, targets: [Int32], temperature: Double
  ) -> Variable<S> {
    let (rows, vocabulary) = (x.value.rows, weight.value.rows)
    precondition(targets.count == rows, "a target for each row")
    precondition(targets.allSatisfy { $0 >= 0 && Int($0) < vocabulary }, "a target outside the vocabulary")
    let y = variable(matrix(rows, 1), needsGradient: x.needsGradient || weight.needsGradient)
    let logSums = matrix(rows, 1)
    // The memory of one round of rows: 32 MB of floats.
    let rowsPerRound = max(1, min(rows, (8 << 20) / vocabulary))
    let logits = matrix(rowsPerRound, vocabulary)
    for start in stride(from: 0, to: rows, by: rowsPerRound) {
      let round = start..<min(rows, start + rowsPerRound)
      computeLogits(x.value, weight.value, round, into: logits)
      workers.forEachPart(of: round.count, size: 16) { part in
        let at = round.lowerBound + part.lowerBound
        ck_target_log_probs(
          S.kernelType, part.count, vocabulary, 1 / temperature, logits.pointer + part.lowerBound * vocabulary,
          Array(targets[at..<at + part.count]), y.value.pointer + at, logSums.pointer + at)
      }
    }
    let kept = rowsPerRound == rows && isRecording ? logits : nil
    record { [self] in
      guard let dy = y.gradient else { return }
      let logits = kept ?? matrix(rowsPerRound, vocabulary)
      for start in stride(from: 0, to: rows, by: rowsPerRound) {
        let round = start..<min(rows, start + rowsPerRound)
        if kept == nil { computeLogits(x.value, weight.value, round, into: logits) }
        workers.forEachPart(of: round.count, size: 16) { part in
          let at = round.lowerBound + part.lowerBound
          ck_target_log_probs_backward(
            S.kernelType, part.count, vocabulary, 1 / temperature, Array(targets[at..<at + part.count]),
            logSums.pointer + at, dy.pointer + at, logits.pointer + part.lowerBound * vocabulary)
        }
        let dlogits = logits.rows(0..<round.count)
        if x.needsGradient {
          addProduct(dlogits, weight.value, toRows: round, of: x.gradientSum())
        }
        if weight.needsGradient { addOuterProduct(dlogits, x.value.rows(round), to: weight) }
      }
    }
    return y
  }

  private func computeLogits(_ x: Matrix<S>, _ weight: Matrix<S>, _ rows: Range<Int>, into logits: Matrix<S>) {
    let parts = ProductParts(rows: rows.count, columns: weight.rows, depth: x.columns)
    workers.forEach(parts.count) { index in
      let (r, c) = (parts.rows(of: index, rows.count), parts.columns(of: index, weight.rows))
      ck_gemm(
        S.kernelType, false, true, r.count, c.count, x.columns, 1,
        x.pointer + (rows.lowerBound + r.lowerBound) * x.columns, x.columns,
        weight.pointer + c.lowerBound * x.columns, x.columns, 0,
        logits.pointer + r.lowerBound * weight.rows + c.lowerBound, weight.rows)
    }
  }

  private func addProduct(_ dy: Matrix<S>, _ weight: Matrix<S>, toRows rows: Range<Int>, of dx: Matrix<S>) {
    let parts = ProductParts(rows: dy.rows, columns: weight.columns, depth: weight.rows)
    workers.forEach(parts.count) { index in
      let (r, c) = (parts.rows(of: index, dy.rows), parts.columns(of: index, weight.columns))
      ck_gemm(
        S.kernelType, false, false, r.count, c.count, weight.rows, 1, dy.pointer + r.lowerBound * dy.columns,
        dy.columns, weight.pointer + c.lowerBound, weight.columns, 1,
        dx.pointer + (rows.lowerBound + r.lowerBound) * dx.columns + c.lowerBound, dx.columns)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The products with an output weight [vocabulary, width].
struct OutputProducts<S: Scalar> {
  let vocabulary: Int
  /// Whether the weight is trained.
  let needsGradient: Bool
  /// The logits of some rows of an input, into the first rows of a matrix.
  let logits: (Matrix<S>, Range<Int>, Matrix<S>) -> Void
  /// Adds gradients of logits, times the weight, to some rows of the input's gradient.
  let addToInput: (Matrix<S>, Range<Int>, Matrix<S>) -> Void
  /// Adds the gradient of the weight, from those of logits and the rows they are of.
  let addToWeight: (Matrix<S>, Matrix<S>) -> Void
}

extension Tape {
  /// Log-probabilities of target tokens: `log softmax(x · weightᵀ / temperature)[target]`, [n, 1].
  ///
  /// x [n, width], weight [vocabulary, width]. The logits of all rows are never in memory at once.
  package func logProbs(
    _ x: Variable<S>, _ weight: Variable<S>, targets: [Int32], temperature: Double
  ) -> Variable<S> {
    targetFigures(x, products(with: weight), targets: targets, temperature: temperature, withEntropies: false).logProbs
  }

  /// The same, and the entropy of each of the distributions, [n, 1].
  package func logProbsAndEntropies(
    _ x: Variable<S>, _ weight: Variable<S>, targets: [Int32], temperature: Double
  ) -> (logProbs: Variable<S>, entropies: Variable<S>) {
    let figures = targetFigures(
      x, products(with: weight), targets: targets, temperature: temperature, withEntropies: true)
    return (figures.logProbs, figures.entropies ?? figures.logProbs)
  }

  /// Log-probabilities with a weight that is there in packed form alone, so that there are no gradients.
  package func logProbs(
    _ x: Variable<S>, _ weight: PackedMatrix<S>, targets: [Int32], temperature: Double
  ) -> Variable<S> {
    targetFigures(x, products(with: weight), targets: targets, temperature: temperature, withEntropies: false).logProbs
  }

  /// The same, and the entropy of each of the distributions, [n, 1].
  package func logProbsAndEntropies(
    _ x: Variable<S>, _ weight: PackedMatrix<S>, targets: [Int32], temperature: Double
  ) -> (logProbs: Variable<S>, entropies: Variable<S>) {
    let figures = targetFigures(
      x, products(with: weight), targets: targets, temperature: temperature, withEntropies: true)
    return (figures.logProbs, figures.entropies ?? figures.logProbs)
  }

  private func products(with weight: PackedMatrix<S>) -> OutputProducts<S> {
    precondition(!isRecording, "a weight in packed form alone has no gradients")
    return OutputProducts(
      vocabulary: weight.columns, needsGradient: false, logits: { [self] in logits($0, $1, weight, into: $2) },
      addToInput: { _, _, _ in }, addToWeight: { _, _ in })
  }

  private func logits(_ x: Matrix<S>, _ rows: Range<Int>, _ weight: PackedMatrix<S>, into logits: Matrix<S>) {
    product(
      Left(pointer: x.pointer + rows.lowerBound * x.columns, stride: x.columns), weight, rows: rows.count, beta: 0,
      into: logits.pointer, stride: logits.columns)
  }

  private func products(with weight: Variable<S>) -> OutputProducts<S> {
    OutputProducts(
      vocabulary: weight.value.rows, needsGradient: weight.needsGradient,
      logits: { [self] in logits($0, $1, packedTranspose(of: weight), into: $2) },
      addToInput: { [self] in addProduct($0, weight.value, toRows: $1, of: $2, factor: 1) },
      addToWeight: { [self] in addOuterProduct($0, $1, to: weight) })
  }

  /// Log-probabilities and entropies of rows whose products with the output weight are given.
  func targetFigures(
    _ x: Variable<S>, _ weight: OutputProducts<S>, targets: [Int32], temperature: Double, withEntropies: Bool
  ) -> (logProbs: Variable<S>, entropies: Variable<S>?) {
    let (rows, vocabulary) = (x.value.rows, weight.vocabulary)
    precondition(targets.count == rows, "a target for each row")
    precondition(targets.allSatisfy { $0 >= 0 && Int($0) < vocabulary }, "a target outside the vocabulary")
    let needsGradient = x.needsGradient || weight.needsGradient
    let y = variable(matrix(rows, 1), needsGradient: needsGradient)
    let entropies = withEntropies ? variable(matrix(rows, 1), needsGradient: needsGradient) : nil
    let logSums = matrix(rows, 1)
    // The memory of one round of rows: 32 MB of floats.
    let rowsPerRound = max(1, min(rows, (8 << 20) / vocabulary))
    let logits = matrix(rowsPerRound, vocabulary)
    for start in stride(from: 0, to: rows, by: rowsPerRound) {
      let round = start..<min(rows, start + rowsPerRound)
      weight.logits(x.value, round, logits)
      workers.forEachPart(of: round.count, size: 16) { part in
        let at = round.lowerBound + part.lowerBound
        let own = logits.pointer + part.lowerBound * vocabulary
        ck_target_log_probs(
          S.kernelType, part.count, vocabulary, 1 / temperature, own, Array(targets[at..<at + part.count]),
          y.value.pointer + at, logSums.pointer + at)
        if let entropies {
          ck_row_entropies(
            S.kernelType, part.count, vocabulary, 1 / temperature, own, logSums.pointer + at,
            entropies.value.pointer + at)
        }
      }
    }
    let kept = rowsPerRound == rows && isRecording ? logits : nil
    record { [self] in
      if y.gradient == nil, entropies?.gradient == nil { return }
      let (dy, dEntropies) = (y.gradientSum(), entropies?.gradientSum())
      let logits = kept ?? matrix(rowsPerRound, vocabulary)
      for start in stride(from: 0, to: rows, by: rowsPerRound) {
        let round = start..<min(rows, start + rowsPerRound)
        if kept == nil { weight.logits(x.value, round, logits) }
        workers.forEachPart(of: round.count, size: 16) { part in
          let at = round.lowerBound + part.lowerBound
          let (own, ownTargets) = (logits.pointer + part.lowerBound * vocabulary, Array(targets[at..<at + part.count]))
          if let entropies, let dEntropies {
            ck_target_entropies_backward(
              S.kernelType, part.count, vocabulary, 1 / temperature, ownTargets, logSums.pointer + at,
              entropies.value.pointer + at, dy.pointer + at, dEntropies.pointer + at, own)
          } else {
            ck_target_log_probs_backward(
              S.kernelType, part.count, vocabulary, 1 / temperature, ownTargets, logSums.pointer + at, dy.pointer + at,
              own)
          }
        }
        let dlogits = logits.rows(0..<round.count)
        if x.needsGradient { weight.addToInput(dlogits, round, x.gradientSum()) }
        if weight.needsGradient { weight.addToWeight(dlogits, x.value.rows(round)) }
      }
    }
    return (y, entropies)
  }
}

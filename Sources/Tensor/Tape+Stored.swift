// SPDX-License-Identifier: Apache-2.0
import CKernels

/// A weight in bfloat16 that stays in place.
package struct BFloat16Matrix: @unchecked Sendable {
  /// The number of rows.
  package let rows: Int
  /// The number of columns.
  package let columns: Int
  /// The first element.
  package let pointer: UnsafePointer<UInt16>
  private let owner: AnyObject

  /// A weight in memory owned by `owner`.
  package init(rows: Int, columns: Int, pointer: UnsafePointer<UInt16>, owner: AnyObject) {
    self.rows = rows
    self.columns = columns
    self.pointer = pointer
    self.owner = owner
  }

  /// About a megabyte of weights for each part.
  fileprivate var rowsPerPart: Int { max(16, 524_288 / max(1, columns)) }

  /// One row, widened.
  package func copyRow(_ row: Int, into target: UnsafeMutablePointer<Float>) {
    ck_widen_bf16(columns, pointer + row * columns, target)
  }
}

extension Tape<Float> {
  /// `x · weightᵀ + bias` with a weight in bfloat16, given in pieces of rows; without a gradient of the weight.
  package func linear(_ x: Variable<Float>, _ pieces: [BFloat16Matrix], bias: Variable<Float>? = nil)
    -> Variable<Float>
  {
    let columns = pieces.reduce(0) { $0 + $1.rows }
    let y = variable(matrix(x.value.rows, columns), needsGradient: x.needsGradient)
    product(x.value, pieces, bias: bias?.value, into: y.value)
    record { [self] in
      guard let dy = y.gradient, x.needsGradient else { return }
      let (dx, factor) = x.gradientForProduct()
      addProduct(dy, pieces, toRows: 0..<dy.rows, of: dx, factor: factor)
    }
    return y
  }

  /// dx[rows] = dy · weight + factor · dx[rows]; the weight is widened about a million elements at a time.
  private func addProduct(
    _ dy: Matrix<Float>, _ pieces: [BFloat16Matrix], toRows rows: Range<Int>, of dx: Matrix<Float>, factor: Double
  ) {
    let width = dx.columns
    let most = max(1, (1 << 20) / width)
    let scratch = matrix(min(most, pieces.map(\.rows).max() ?? 1), width)
    var (column, factor) = (0, factor)
    for piece in pieces {
      for start in stride(from: 0, to: piece.rows, by: most) {
        let part = start..<min(piece.rows, start + most)
        workers.forEachPart(of: part.count, size: 16) { some in
          for row in some { piece.copyRow(part.lowerBound + row, into: scratch.pointer + row * width) }
        }
        let right = packed(
          scratch.pointer, stride: width, isTransposed: false, depth: part.count, columns: width)
        product(
          Left(pointer: dy.pointer + column + start, stride: dy.columns), right, rows: rows.count, beta: factor,
          into: dx.pointer + rows.lowerBound * width, stride: width)
        factor = 1
      }
      column += piece.rows
    }
  }

  private func product(_ x: Matrix<Float>, _ pieces: [BFloat16Matrix], bias: Matrix<Float>?, into y: Matrix<Float>) {
    var parts: [(piece: BFloat16Matrix, rows: Range<Int>, column: Int)] = []
    var column = 0
    for piece in pieces {
      precondition(piece.columns == x.columns, "linear: \(x.columns) columns against \(piece.columns)")
      for start in stride(from: 0, to: piece.rows, by: piece.rowsPerPart) {
        let rows = start..<min(piece.rows, start + piece.rowsPerPart)
        parts.append((piece, rows, column + start))
      }
      column += piece.rows
    }
    workers.forEach(parts.count) { index in
      let (piece, rows, column) = parts[index]
      let target = y.pointer + column
      if let bias { ck_fill_rows(CK_FLOAT, x.rows, rows.count, bias.pointer + column, target, y.columns) }
      let scratchSize = ck_gemm_bf16_scratch(rows.count, x.columns)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: scratchSize) { scratch in
        ck_gemm_bf16(
          x.rows, rows.count, x.columns, x.pointer, x.columns, piece.pointer + rows.lowerBound * x.columns, x.columns,
          bias == nil ? 0 : 1, target, y.columns, scratch.baseAddress)
      }
    }
  }

  /// Log-probabilities of target tokens with an output weight in bfloat16; without a gradient of the weight.
  package func logProbs(
    _ x: Variable<Float>, _ pieces: [BFloat16Matrix], targets: [Int32], temperature: Double
  ) -> Variable<Float> {
    targetFigures(x, products(with: pieces), targets: targets, temperature: temperature, withEntropies: false).logProbs
  }

  /// The same, and the entropy of each of the distributions, [n, 1].
  package func logProbsAndEntropies(
    _ x: Variable<Float>, _ pieces: [BFloat16Matrix], targets: [Int32], temperature: Double
  ) -> (logProbs: Variable<Float>, entropies: Variable<Float>) {
    let figures = targetFigures(
      x, products(with: pieces), targets: targets, temperature: temperature, withEntropies: true)
    return (figures.logProbs, figures.entropies ?? figures.logProbs)
  }

  private func products(with pieces: [BFloat16Matrix]) -> OutputProducts<Float> {
    OutputProducts(
      vocabulary: pieces.reduce(0) { $0 + $1.rows }, needsGradient: false,
      logits: { [self] in product($0.rows($1), pieces, bias: nil, into: $2.rows(0..<$1.count)) },
      addToInput: { [self] in addProduct($0, pieces, toRows: $1, of: $2, factor: 1) }, addToWeight: { _, _ in })
  }
}

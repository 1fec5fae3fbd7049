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
  /// `x · weightᵀ + bias` with a weight in bfloat16, given in pieces of rows; without gradients.
  package func linear(_ x: Variable<Float>, _ pieces: [BFloat16Matrix], bias: Variable<Float>? = nil)
    -> Variable<Float>
  {
    precondition(!isRecording || !x.needsGradient, "weights in bfloat16 are for inference")
    let columns = pieces.reduce(0) { $0 + $1.rows }
    let y = variable(matrix(x.value.rows, columns), needsGradient: false)
    product(x.value, pieces, bias: bias?.value, into: y.value)
    return y
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

  /// Log-probabilities of target tokens with an output weight in bfloat16; without gradients.
  package func logProbs(
    _ x: Variable<Float>, _ pieces: [BFloat16Matrix], targets: [Int32], temperature: Double
  ) -> Variable<Float> {
    let vocabulary = pieces.reduce(0) { $0 + $1.rows }
    let rows = x.value.rows
    precondition(targets.allSatisfy { $0 >= 0 && Int($0) < vocabulary }, "a target outside the vocabulary")
    let y = matrix(rows, 1)
    let logSums = matrix(rows, 1)
    let rowsPerRound = max(1, min(rows, (8 << 20) / vocabulary))
    let logits = matrix(rowsPerRound, vocabulary)
    for start in stride(from: 0, to: rows, by: rowsPerRound) {
      let round = start..<min(rows, start + rowsPerRound)
      product(x.value.rows(round), pieces, bias: nil, into: logits.rows(0..<round.count))
      workers.forEachPart(of: round.count, size: 16) { part in
        let at = start + part.lowerBound
        ck_target_log_probs(
          CK_FLOAT, part.count, vocabulary, 1 / temperature, logits.pointer + part.lowerBound * vocabulary,
          Array(targets[at..<at + part.count]), y.pointer + at, logSums.pointer + at)
      }
    }
    return constant(y)
  }
}

// SPDX-License-Identifier: Apache-2.0
import CKernels
import Tensor

/// The weight of a linear layer.
enum Weight {
  /// In single precision, with a gradient if it is trained.
  case variable(Variable<Float>)
  /// In single precision in the order of products alone, for inference; no row of it can be read.
  case packed(PackedWeight<Float>)
  /// In bfloat16, if the checkpoint has it so; pieces are consecutive rows.
  case stored([BFloat16Matrix])

  var rows: Int {
    switch self {
    case .variable(let variable): variable.value.rows
    case .packed(let packed): packed.transpose.columns
    case .stored(let pieces): pieces.reduce(0) { $0 + $1.rows }
    }
  }

  var columns: Int {
    switch self {
    case .variable(let variable): variable.value.columns
    case .packed(let packed): packed.transpose.depth
    case .stored(let pieces): pieces[0].columns
    }
  }
}

/// A weight whose rows are read, and which can be the weight of a linear layer too.
enum RowWeight {
  /// In single precision, with a gradient if it is trained.
  case variable(Variable<Float>)
  /// In bfloat16, if the checkpoint has it so; pieces are consecutive rows.
  case stored([BFloat16Matrix])

  var ofProducts: Weight {
    switch self {
    case .variable(let variable): .variable(variable)
    case .stored(let pieces): .stored(pieces)
    }
  }

  var rows: Int { ofProducts.rows }
  var columns: Int { ofProducts.columns }
}

/// `x · weightᵀ + bias`, with the changes of adapters.
struct LinearLayer {
  let weight: Weight
  let bias: Variable<Float>?
  var adapters: [Adapter] = []

  func callAsFunction(_ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    let y =
      switch weight {
      case .variable(let variable): tape.linear(x, variable, bias: bias)
      case .packed(let packed): tape.linear(x, packed, bias: bias)
      case .stored(let pieces): tape.linear(x, pieces, bias: bias)
      }
    return adapters.reduce(y) { $1.add(to: $0, of: x, on: tape) }
  }
}

/// Rows of an embedding.
struct EmbeddingLayer {
  let weight: RowWeight

  func callAsFunction(_ ids: [Int32], on tape: Tape<Float>) -> Variable<Float> {
    switch weight {
    case .variable(let variable): return tape.rows(of: variable, at: ids)
    case .stored(let pieces):
      let result = Matrix<Float>(rows: ids.count, columns: weight.columns, pool: tape.pool)
      for (index, id) in ids.enumerated() {
        pieces[0].copyRow(Int(id), into: result.pointer + index * weight.columns)
      }
      return tape.constant(result)
    }
  }
}

extension RowWeight {
  /// Weighted sums of rows, `count` taps for each row of the result.
  func weightedRows(_ taps: [RowTap], count: Int, on tape: Tape<Float>) -> Variable<Float> {
    switch self {
    case .variable(let variable): return tape.weightedRows(of: variable, taps: taps, count: count)
    case .stored(let pieces):
      let table = Matrix<Float>(rows: rows, columns: columns, pool: tape.pool)
      for row in 0..<rows { pieces[0].copyRow(row, into: table.pointer + row * columns) }
      return tape.weightedRows(of: tape.constant(table), taps: taps, count: count)
    }
  }
}

/// Whether all numbers are finite.
func allFinite(_ numbers: UnsafeMutableBufferPointer<Float>) -> Bool {
  ck_all_finite(CK_FLOAT, numbers.count, numbers.baseAddress)
}

// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Makes one row of the decoder's width of the patches of each square, which are adjacent.
struct PatchMerger {
  /// What is normalised.
  enum NormPlace {
    /// Each patch.
    case patches
    /// Each square, its patches side by side.
    case squares
  }

  let norm: Norm
  let place: NormPlace
  let first: LinearLayer
  let second: LinearLayer

  /// Rows [squares, output width] of patches [patches, width].
  func callAsFunction(_ x: Variable<Float>, patchesPerSquare: Int, on tape: Tape<Float>) -> Variable<Float> {
    func merged(_ x: Variable<Float>) -> Variable<Float> {
      tape.reshape(x, rows: x.value.rows / patchesPerSquare, columns: x.value.columns * patchesPerSquare)
    }
    let squares =
      switch place {
      case .patches: merged(norm(x, on: tape))
      case .squares: norm(merged(x), on: tape)
      }
    return second(tape.gelu(first(squares, on: tape)), on: tape)
  }
}

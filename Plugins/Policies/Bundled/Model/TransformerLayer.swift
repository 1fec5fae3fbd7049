// SPDX-License-Identifier: Apache-2.0
import Tensor

/// One layer of the decoder or of the vision tower: attention, then a gated feed-forward part, each applied to a
/// normalised input and added to it.
struct TransformerLayer {
  let firstNorm: Variable<Float>
  /// Queries, keys and values side by side.
  let projection: LinearLayer
  let output: LinearLayer
  let secondNorm: Variable<Float>
  /// Gate and up side by side.
  let gateAndUp: LinearLayer
  let down: LinearLayer
  let normEpsilon: Double

  /// The output rows of this layer.
  ///
  /// - Parameter seen: Called with the rotated queries, keys and values.
  func callAsFunction(
    _ x: Variable<Float>, heads: AttentionHeads, layout: AttentionLayout, angles: RotaryAngles<Float>,
    on tape: Tape<Float>, seen: (Matrix<Float>) -> Void = { _ in }
  ) -> Variable<Float> {
    let projection = projected(x, on: tape)
    let attended = tape.attention(projection, heads: heads, layout: layout, angles: angles)
    seen(projection.value)
    return rest(attended, x, on: tape)
  }

  /// The input of attention.
  func projected(_ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    projection(tape.rmsNorm(x, firstNorm, epsilon: normEpsilon), on: tape)
  }

  /// The part after attention.
  func rest(_ attended: Variable<Float>, _ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    let x = tape.add(x, into: output(attended, on: tape))
    let inner = tape.rmsNorm(x, secondNorm, epsilon: normEpsilon)
    return tape.add(x, into: down(tape.swiGLU(gateAndUp(inner, on: tape)), on: tape))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Tensor

/// One layer of a decoder or of a vision tower: attention, then a feed-forward part, each applied to a normalised input and
/// added to it.
struct TransformerLayer {
  let firstNorm: Norm
  /// Queries, keys and values side by side.
  let projection: LinearLayer
  /// The norms of each head's queries and keys, in families that have them.
  let headNorms: HeadNorms?
  let output: LinearLayer
  let secondNorm: Norm
  let feedForward: FeedForward

  /// The output rows of this layer.
  ///
  /// - Parameter seen: Called with the rotated queries, keys and values.
  func callAsFunction(
    _ x: Variable<Float>, heads: AttentionHeads, layout: AttentionLayout, angles: RotaryAngles<Float>,
    on tape: Tape<Float>, seen: (Matrix<Float>) -> Void = { _ in }
  ) -> Variable<Float> {
    let projection = projected(x, heads: heads, on: tape)
    let attended = tape.attention(projection, heads: heads, layout: layout, angles: angles)
    seen(projection.value)
    return rest(attended, x, on: tape)
  }

  /// The input of attention.
  func projected(_ x: Variable<Float>, heads: AttentionHeads, on tape: Tape<Float>) -> Variable<Float> {
    let projection = projection(firstNorm(x, on: tape), on: tape)
    guard let headNorms else { return projection }
    return tape.normalizeHeads(
      of: projection, heads, queryWeight: headNorms.query, keyWeight: headNorms.key, epsilon: headNorms.epsilon)
  }

  /// The part after attention.
  func rest(_ attended: Variable<Float>, _ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    let x = tape.add(x, into: output(attended, on: tape))
    return tape.add(x, into: feedForward(secondNorm(x, on: tape), on: tape))
  }
}

/// Norms of the queries and of the keys of each head, by their root mean square.
struct HeadNorms {
  let query: Variable<Float>
  let key: Variable<Float>
  let epsilon: Double
}

/// The norm of a row.
enum Norm {
  /// By its root mean square.
  case rootMeanSquare(weight: Variable<Float>, epsilon: Double)
  /// By its mean and its deviation.
  case layer(weight: Variable<Float>, bias: Variable<Float>, epsilon: Double)

  func callAsFunction(_ x: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> {
    switch self {
    case .rootMeanSquare(let weight, let epsilon): tape.rmsNorm(x, weight, epsilon: epsilon)
    case .layer(let weight, let bias, let epsilon): tape.layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    }
  }
}

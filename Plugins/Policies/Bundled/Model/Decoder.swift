// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The language model: embeddings in, hidden states out.
struct Decoder {
  let config: QwenVLConfig.Text
  let embedding: EmbeddingLayer
  let layers: [TransformerLayer]
  let finalNorm: Variable<Float>
  let outputWeight: Weight

  var heads: AttentionHeads {
    AttentionHeads(count: config.headCount, keyValueCount: config.keyValueHeadCount, size: config.headSize)
  }

  /// Hidden states [tokens, hidden size] before the last normalisation.
  ///
  /// - Parameter seen: Called with each layer's rotated queries, keys and values, for a cache.
  func callAsFunction(
    _ embeddings: Variable<Float>, positions: [TokenPosition], layout: AttentionLayout, on tape: Tape<Float>,
    seen: (Int, Matrix<Float>) -> Void = { _, _ in }
  ) -> Variable<Float> {
    let angles = angles(positions, pool: tape.pool)
    var x = embeddings
    for (index, layer) in layers.enumerated() {
      x = layer(x, heads: heads, layout: layout, angles: angles, on: tape) { seen(index, $0) }
    }
    return x
  }

  /// Log-probabilities of target tokens from hidden states, [n, 1].
  func logProbs(_ hidden: Variable<Float>, targets: [Int32], temperature: Double, on tape: Tape<Float>)
    -> Variable<Float>
  {
    let normal = tape.rmsNorm(hidden, finalNorm, epsilon: config.normEpsilon)
    switch outputWeight {
    case .variable(let weight): return tape.logProbs(normal, weight, targets: targets, temperature: temperature)
    case .stored(let pieces): return tape.logProbs(normal, pieces, targets: targets, temperature: temperature)
    }
  }

  /// The same with entropies, [n, 1] each; for weights that are trained.
  ///
  /// - Precondition: The output weight is a variable.
  func logProbsAndEntropies(_ hidden: Variable<Float>, targets: [Int32], temperature: Double, on tape: Tape<Float>)
    -> (logProbs: Variable<Float>, entropies: Variable<Float>)
  {
    let normal = tape.rmsNorm(hidden, finalNorm, epsilon: config.normEpsilon)
    guard case .variable(let weight) = outputWeight else { preconditionFailure("entropies are for training") }
    return tape.logProbsAndEntropies(normal, weight, targets: targets, temperature: temperature)
  }

  /// Logits [n, vocabulary] from hidden states.
  func logits(_ hidden: Variable<Float>, on tape: Tape<Float>) -> Matrix<Float> {
    let normal = tape.rmsNorm(hidden, finalNorm, epsilon: config.normEpsilon)
    return LinearLayer(weight: outputWeight, bias: nil)(normal, on: tape).value
  }

  /// Each frequency belongs to time, height or width, by the sections of M-RoPE.
  func angles(_ positions: [TokenPosition], pool: MemoryPool) -> RotaryAngles<Float> {
    let pairs = config.headSize / 2
    let frequencies = RotaryFrequencies(theta: config.ropeTheta, size: config.headSize, count: pairs).inverse
    let sections = config.mropeSection
    return RotaryAngles(rows: positions.count, pairs: pairs, pool: pool) { row, pair in
      let position = positions[row]
      let along =
        pair < sections[0]
        ? position.time : pair < sections[0] + sections[1] ? position.height : position.width
      return Float(along) * frequencies[pair]
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import ModelInput
import Tensor

/// The language model: embeddings in, hidden states out.
struct Decoder {
  let config: ModelConfig.Text
  let embedding: EmbeddingLayer
  let layers: [TransformerLayer]
  let finalNorm: Norm
  let outputWeight: Weight

  init(_ config: ModelConfig, _ weights: ModelWeights) throws {
    let tensors = DecoderTensors(config)
    let table = try weights.matrix([tensors.embedding])
    self.config = config.text
    embedding = EmbeddingLayer(weight: table)
    layers = try tensors.layers.map(weights.layer)
    finalNorm = try weights.norm(tensors.finalNorm)
    outputWeight = try tensors.output.map { try weights.productWeight([$0]) } ?? table.ofProducts
  }

  var heads: AttentionHeads {
    AttentionHeads(count: config.headCount, keyValueCount: config.keyValueHeadCount, size: config.headSize)
  }

  /// Hidden states [tokens, hidden size] before the last normalisation.
  ///
  /// - Parameters:
  ///   - deepstack: What is added to the outputs of the first layers at some rows.
  ///   - seen: Called with each layer's rotated queries, keys and values, for a cache.
  func callAsFunction(
    _ embeddings: Variable<Float>, positions: [TokenPosition], layout: AttentionLayout,
    deepstack: [Variable<Float>] = [], at rows: [Int32] = [], on tape: Tape<Float>,
    seen: (Int, Matrix<Float>) -> Void = { _, _ in }
  ) -> Variable<Float> {
    let angles = angles(positions, pool: tape.pool)
    var x = embeddings
    for (index, layer) in layers.enumerated() {
      x = layer(x, heads: heads, layout: layout, angles: angles, on: tape) { seen(index, $0) }
      if index < deepstack.count { x = tape.addRows(of: deepstack[index], to: x, at: rows) }
    }
    return x
  }

  /// Hidden states after the last normalisation.
  func normalized(_ hidden: Variable<Float>, on tape: Tape<Float>) -> Variable<Float> { finalNorm(hidden, on: tape) }

  /// Log-probabilities of target tokens from hidden states, [n, 1].
  func logProbs(_ hidden: Variable<Float>, targets: [Int32], temperature: Double, on tape: Tape<Float>)
    -> Variable<Float>
  {
    let normal = normalized(hidden, on: tape)
    switch outputWeight {
    case .variable(let weight): return tape.logProbs(normal, weight, targets: targets, temperature: temperature)
    case .packed(let weight): return tape.logProbs(normal, weight.transpose, targets: targets, temperature: temperature)
    case .stored(let pieces): return tape.logProbs(normal, pieces, targets: targets, temperature: temperature)
    }
  }

  /// The same with entropies, [n, 1] each.
  func logProbsAndEntropies(_ hidden: Variable<Float>, targets: [Int32], temperature: Double, on tape: Tape<Float>)
    -> (logProbs: Variable<Float>, entropies: Variable<Float>)
  {
    let normal = normalized(hidden, on: tape)
    switch outputWeight {
    case .variable(let weight):
      return tape.logProbsAndEntropies(normal, weight, targets: targets, temperature: temperature)
    case .packed(let weight):
      return tape.logProbsAndEntropies(normal, weight.transpose, targets: targets, temperature: temperature)
    case .stored(let pieces):
      return tape.logProbsAndEntropies(normal, pieces, targets: targets, temperature: temperature)
    }
  }

  /// Logits [n, vocabulary] from hidden states.
  func logits(_ hidden: Variable<Float>, on tape: Tape<Float>) -> Matrix<Float> {
    let normal = normalized(hidden, on: tape)
    return LinearLayer(weight: outputWeight, bias: nil)(normal, on: tape).value
  }

  /// Each frequency belongs to one axis of a position.
  func angles(_ positions: [TokenPosition], pool: MemoryPool) -> RotaryAngles<Float> {
    let pairs = config.headSize / 2
    let frequencies = RotaryFrequencies(config.rotary, size: config.headSize)
    let axes = config.rotary.axes.ofPairs(pairs)
    return RotaryAngles(rows: positions.count, pairs: pairs, scale: frequencies.scale, pool: pool) { row, pair in
      let position = positions[row]
      let along =
        switch axes[pair] {
        case .time: position.time
        case .height: position.height
        case .width: position.width
        }
      return Float(along) * frequencies.inverse[pair]
    }
  }
}

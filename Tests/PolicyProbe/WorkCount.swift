// SPDX-License-Identifier: Apache-2.0
import ModelInput

/// What a part of the benchmark has to do at least: multiply-adds of its matrix products, and bytes from memory.
///
/// Counted are the products of linear layers and of attention, an output layer where its logits are wanted, and each prompt
/// once for its responses. Norms, activations and softmax are not counted, nor what is computed again to save memory. Bytes are
/// those of weights, gradients, moments, and of the keys and values that a token looks at.
struct WorkCount {
  var multiplyAdds = 0.0
  var bytes = 0.0

  static func + (one: WorkCount, other: WorkCount) -> WorkCount {
    WorkCount(multiplyAdds: one.multiplyAdds + other.multiplyAdds, bytes: one.bytes + other.bytes)
  }

  static func * (factor: Double, work: WorkCount) -> WorkCount {
    WorkCount(multiplyAdds: factor * work.multiplyAdds, bytes: factor * work.bytes)
  }
}

/// The work of a model, from its shapes.
struct ModelWork {
  private let config: ModelConfig

  init(_ config: ModelConfig) { self.config = config }

  private var text: ModelConfig.Text { config.text }

  /// Weights of the decoder's linear layers.
  var layerWeights: Double {
    let attention = text.hiddenSize * (text.queryWidth + 2 * text.keyValueWidth) + text.queryWidth * text.hiddenSize
    return Double(text.layerCount * (attention + 3 * text.hiddenSize * text.intermediateSize))
  }

  /// Weights of the output layer.
  var outputWeights: Double { Double(text.vocabularySize * text.hiddenSize) }

  /// The linear layers for so many rows.
  func layers(rows: Int) -> WorkCount { WorkCount(multiplyAdds: layerWeights * Double(rows)) }

  /// The logits of so many rows.
  func output(rows: Int) -> WorkCount { WorkCount(multiplyAdds: outputWeights * Double(rows)) }

  /// Attention: scores and sums of values, for rows that look at so many tokens together.
  func attention(looks: Double) -> WorkCount {
    WorkCount(multiplyAdds: 2 * looks * Double(text.layerCount * text.queryWidth))
  }

  /// How many tokens are looked at by `count` tokens in a row, after `before` others.
  func looks(count: Int, after before: Int) -> Double { Double(count * before) + Double(count * (count + 1)) / 2 }

  /// The weights, read once.
  var readingWeights: WorkCount { WorkCount(bytes: 4 * (layerWeights + outputWeights)) }

  /// Keys and values of so many tokens, read by all query heads at once.
  func cache(looks: Double) -> WorkCount {
    WorkCount(bytes: 4 * looks * Double(text.layerCount * 2 * text.keyValueWidth))
  }

  /// The vision tower's linear layers for so many patches; its attention is not counted.
  func tower(patches: Int) -> WorkCount {
    guard let vision = config.vision else { return WorkCount() }
    let (width, square) = (vision.hiddenSize, vision.spatialMergeSize * vision.spatialMergeSize)
    let matrices = vision.activation == .silu ? 3 : 2
    let block = 4 * width * width + matrices * width * vision.intermediateSize
    let merger = width * square * width + width * vision.outputSize
    return WorkCount(
      multiplyAdds: Double(patches) * Double(vision.patchValueCount * width + vision.depth * block + merger))
  }

  /// The optimizer's step: weights, gradients and two moments are read, and all but the gradients written.
  var step: WorkCount { WorkCount(bytes: 28 * (layerWeights + outputWeights)) }
}

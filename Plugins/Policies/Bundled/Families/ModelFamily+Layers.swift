// SPDX-License-Identifier: Apache-2.0
import ModelInput

extension ModelFamily {
  /// The layers of its decoder.
  var decoder: any DecoderFamily.Type {
    switch self {
    case .qwen2, .qwen2VL, .qwen2_5VL: Qwen2Decoder.self
    case .qwen3, .qwen3VL: Qwen3Decoder.self
    case .llama: LlamaDecoder.self
    }
  }

  /// Its vision tower; nil for text models.
  var tower: (any VisionTower.Type)? {
    switch self {
    case .qwen2VL: Qwen2VLTower.self
    case .qwen2_5VL: Qwen2_5VLTower.self
    case .qwen3VL: Qwen3VLTower.self
    case .qwen2, .qwen3, .llama: nil
    }
  }
}

/// What distinguishes the decoder of a family: the tensors of a layer.
protocol DecoderFamily {
  /// Whether each head's queries and keys are normalised.
  static var normsHeads: Bool { get }
  /// The tensors of a layer whose names begin with `prefix`.
  static func layer(_ prefix: String, _ text: ModelConfig.Text) -> LayerTensors
}

extension DecoderFamily {
  static var normsHeads: Bool { false }
}

/// The tensors of a decoder.
struct DecoderTensors {
  let embedding: TensorDeclaration
  let layers: [LayerTensors]
  let finalNorm: NormTensors
  /// `lm_head.weight`; nil where the embedding serves.
  let output: TensorDeclaration?

  init(_ config: ModelConfig) {
    let text = config.text
    embedding = TensorDeclaration("model.embed_tokens.weight", [text.vocabularySize, text.hiddenSize])
    layers = (0..<text.layerCount).map { config.family.decoder.layer("model.layers.\($0).", text) }
    finalNorm = .rootMeanSquare("model.norm", width: text.hiddenSize, epsilon: text.normEpsilon)
    output =
      config.outputEmbedding == .tied
      ? nil : TensorDeclaration("lm_head.weight", [text.vocabularySize, text.hiddenSize])
  }

  /// From input to output.
  var all: [TensorDeclaration] {
    [embedding] + layers.flatMap(\.all) + finalNorm.all + (output.map { [$0] } ?? [])
  }
}

extension LayerTensors {
  /// A layer as in Llama: RMSNorm, grouped queries, and a gated feed-forward part.
  ///
  /// - Parameters:
  ///   - inputBias: Whether queries, keys and values have biases.
  ///   - outputBias: Whether the output of attention has.
  ///   - normsHeads: Whether each head's queries and keys are normalised.
  static func decoder(
    _ prefix: String, _ text: ModelConfig.Text, inputBias: Bool, outputBias: Bool, feedForwardBias: Bool = false,
    normsHeads: Bool = false
  ) -> LayerTensors {
    let attention = prefix + "self_attn."
    return LayerTensors(
      firstNorm: .rootMeanSquare(prefix + "input_layernorm", width: text.hiddenSize, epsilon: text.normEpsilon),
      attention: AttentionTensors(
        projection: LinearTensors(
          [
            (attention + "q_proj", text.queryWidth), (attention + "k_proj", text.keyValueWidth),
            (attention + "v_proj", text.keyValueWidth),
          ], columns: text.hiddenSize, hasBias: inputBias),
        output: LinearTensors(
          attention + "o_proj", rows: text.hiddenSize, columns: text.queryWidth, hasBias: outputBias),
        headNorms: normsHeads
          ? (
            TensorDeclaration(attention + "q_norm.weight", [text.headSize]),
            TensorDeclaration(attention + "k_norm.weight", [text.headSize]), text.normEpsilon
          ) : nil),
      secondNorm: .rootMeanSquare(
        prefix + "post_attention_layernorm", width: text.hiddenSize, epsilon: text.normEpsilon),
      feedForward: .gated(
        prefix + "mlp.", width: text.hiddenSize, inner: text.intermediateSize, hasBias: feedForwardBias))
  }
}

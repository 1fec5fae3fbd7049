// SPDX-License-Identifier: Apache-2.0

/// Qwen3-VL, the dense models (arXiv 2511.21631).
enum Qwen3VLConfiguration: FamilyConfiguration {
  static let title = "Qwen3-VL"
  static let architecture = "Qwen3VLForConditionalGeneration"
  static let takesImages = true

  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text {
    let defaults = DecoderDefaults(
      headSize: .fixed(128), contextLength: 128_000, normEpsilon: 1e-6, ropeTheta: 500_000)
    // transformers interleaves whatever `mrope_interleaved` says.
    var text = ModelConfig.Text(&reader, defaults) {
      .interleaved($0.integers("mrope_section", default: [24, 20, 20]))
    }
    text.attentionBias = reader.flag("attention_bias") ?? false
    return text
  }

  static func tower(_ reader: inout ConfigReader, tokens: ModelConfig.ImageTokens) -> ModelConfig.Vision? {
    var vision = ModelConfig.Vision(
      &reader, .init(patchSize: 16, activations: [.tanhGELU, .gelu, .quickGELU]), tokens: tokens)
    vision.intermediateSize = reader.integer("intermediate_size")
    vision.learnedPositions = reader.integer("num_position_embeddings", in: 1...1 << 24, default: 2304)
    vision.deepstackBlocks = reader.integers("deepstack_visual_indexes", default: [8, 16, 24])
    if reader.errors.isEmpty, let beyond = vision.deepstackBlocks.first(where: { $0 >= vision.depth }) {
      reader.report("'vision_config.deepstack_visual_indexes' has \(beyond), but there are \(vision.depth) blocks")
    }
    return vision
  }

  /// `text_config` has no say, unless the top level says nothing.
  static func isTied(root: Bool?, decoder: Bool?) -> Bool { root ?? decoder ?? false }
}

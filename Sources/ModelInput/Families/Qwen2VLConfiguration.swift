// SPDX-License-Identifier: Apache-2.0

/// Qwen2-VL (arXiv 2409.12191).
///
/// In its `vision_config`, `embed_dim` is the tower's width and `hidden_size` that of its output. Published files leave
/// out nearly everything else.
enum Qwen2VLConfiguration: FamilyConfiguration {
  static let title = "Qwen2-VL"
  static let architecture = "Qwen2VLForConditionalGeneration"
  static let takesImages = true
  static let outputSizeKey = "hidden_size"

  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text {
    let defaults = DecoderDefaults(
      headSize: .share, contextLength: 32768, normEpsilon: 1e-5, ropeTheta: 1_000_000, layersBeforeWindows: 80)
    return ModelConfig.Text(&reader, defaults) {
      .chunks($0.integers("mrope_section", default: [16, 24, 24]))
    }
  }

  static func tower(_ reader: inout ConfigReader, tokens: ModelConfig.ImageTokens) -> ModelConfig.Vision? {
    var vision = ModelConfig.Vision(
      &reader,
      .init(
        widthKey: "embed_dim", width: 1280, outputSizeKey: outputSizeKey, outputSize: 3584, depth: 32, headCount: 16,
        activations: [.quickGELU, .gelu, .tanhGELU]),
      tokens: tokens)
    vision.intermediateSize = Int(Double(vision.hiddenSize) * reader.number("mlp_ratio", default: 4))
    return vision
  }
}

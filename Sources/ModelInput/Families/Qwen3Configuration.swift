// SPDX-License-Identifier: Apache-2.0

/// Qwen3, the dense text models (arXiv 2505.09388).
enum Qwen3Configuration: FamilyConfiguration {
  static let title = "Qwen3"
  static let architecture = "Qwen3ForCausalLM"

  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text {
    var text = ModelConfig.Text(
      &reader,
      DecoderDefaults(headSize: .fixed(128), contextLength: 32768, normEpsilon: 1e-6, ropeTheta: 10_000))
    text.attentionBias = reader.flag("attention_bias") ?? false
    return text
  }
}

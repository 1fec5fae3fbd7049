// SPDX-License-Identifier: Apache-2.0

/// Llama and models of its architecture, such as SmolLM2 (arXiv 2302.13971, 2407.21783, 2502.02737).
enum LlamaConfiguration: FamilyConfiguration {
  static let title = "Llama"
  static let architecture = "LlamaForCausalLM"

  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text {
    var text = ModelConfig.Text(
      &reader, DecoderDefaults(headSize: .stated, contextLength: 2048, normEpsilon: 1e-6, ropeTheta: 10_000))
    text.attentionBias = reader.flag("attention_bias") ?? false
    text.feedForwardBias = reader.flag("mlp_bias") ?? false
    return text
  }
}

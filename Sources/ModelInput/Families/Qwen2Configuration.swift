// SPDX-License-Identifier: Apache-2.0

/// Qwen2 and Qwen2.5, the text models (arXiv 2407.10671, 2412.15115).
enum Qwen2Configuration: FamilyConfiguration {
  static let title = "Qwen2"
  static let architecture = "Qwen2ForCausalLM"

  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text {
    ModelConfig.Text(
      &reader,
      DecoderDefaults(headSize: .stated, contextLength: 32768, normEpsilon: 1e-6, ropeTheta: 10_000))
  }
}

// SPDX-License-Identifier: Apache-2.0
import ModelInput

/// The decoder of Qwen3 and of Qwen3-VL: each head's queries and keys are normalised, and heads have a width of their own.
enum Qwen3Decoder: DecoderFamily {
  static let normsHeads = true

  static func layer(_ prefix: String, _ text: ModelConfig.Text) -> LayerTensors {
    .decoder(prefix, text, inputBias: text.attentionBias, outputBias: text.attentionBias, normsHeads: normsHeads)
  }
}

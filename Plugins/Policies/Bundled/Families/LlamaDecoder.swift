// SPDX-License-Identifier: Apache-2.0
import ModelInput

/// The decoder of Llama and of SmolLM2: no biases, unless the configuration asks for them.
enum LlamaDecoder: DecoderFamily {
  static func layer(_ prefix: String, _ text: ModelConfig.Text) -> LayerTensors {
    .decoder(
      prefix, text, inputBias: text.attentionBias, outputBias: text.attentionBias,
      feedForwardBias: text.feedForwardBias)
  }
}

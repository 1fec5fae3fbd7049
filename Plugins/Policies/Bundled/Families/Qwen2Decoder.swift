// SPDX-License-Identifier: Apache-2.0
import ModelInput

/// The decoder of Qwen2 and Qwen2.5, and of Qwen2-VL and Qwen2.5-VL: queries, keys and values have biases.
enum Qwen2Decoder: DecoderFamily {
  static func layer(_ prefix: String, _ text: ModelConfig.Text) -> LayerTensors {
    .decoder(prefix, text, inputBias: true, outputBias: false)
  }
}

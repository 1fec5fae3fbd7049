// SPDX-License-Identifier: Apache-2.0

/// Qwen2.5-VL (arXiv 2502.13923).
enum Qwen2_5VLConfiguration: FamilyConfiguration {
  static let title = "Qwen2.5-VL"
  static let architecture = "Qwen2_5_VLForConditionalGeneration"
  static let takesImages = true

  static func decoder(_ reader: inout ConfigReader) -> ModelConfig.Text { Qwen2VLConfiguration.decoder(&reader) }

  static func tower(_ reader: inout ConfigReader, tokens: ModelConfig.ImageTokens) -> ModelConfig.Vision? {
    var vision = ModelConfig.Vision(&reader, .init(activations: [.silu]), tokens: tokens)
    vision.intermediateSize = reader.integer("intermediate_size")
    let windows = ModelConfig.Windows(
      size: reader.integer("window_size", default: 112),
      fullAttentionBlocks: Set(reader.integers("fullatt_block_indexes", default: [7, 15, 23, 31])))
    vision.windows = windows
    let side = vision.patchSize * vision.spatialMergeSize
    if reader.errors.isEmpty, windows.size < side || windows.size % side != 0 {
      reader.report(
        "'vision_config.window_size' is \(windows.size), it must be a multiple of a token's side, \(side) pixels")
    }
    return vision
  }
}

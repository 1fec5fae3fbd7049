// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension QwenVLConfig {
  /// Reads the contents of a `config.json`.
  ///
  /// - Parameter path: The name of the file in messages.
  /// - Throws: Everything that is missing or not supported, together.
  package init(document: JSONValue, path: String) throws {
    var root = ConfigReader(path: path, object: document)
    root.expect("model_type", in: ["qwen2_5_vl"], default: .null)
    if let architectures = root.value("architectures"),
      architectures.arrayValue?.contains("Qwen2_5_VLForConditionalGeneration") != true
    {
      root.report(
        "'architectures' is \(architectures.json.shortenedForMessage), which is not supported; supported: "
          + "Qwen2_5_VLForConditionalGeneration")
    }
    if !root.errors.isEmpty { throw PipelineErrors(root.errors) }
    if root.value("quantization_config") != nil {
      root.report("'quantization_config' is set; quantised weights are not supported, only F32, F16 and BF16")
    }
    let nested = root.value("text_config")
    var decoder = ConfigReader(path: path, prefix: nested == nil ? "" : "text_config.", object: nested ?? document)
    text = Text(&decoder)
    var tower = ConfigReader(path: path, prefix: "vision_config.", object: root.value("vision_config") ?? [:])
    vision = Vision(&tower)
    if vision.outputSize != text.hiddenSize, tower.errors.isEmpty, decoder.errors.isEmpty {
      tower.report(
        "'vision_config.out_hidden_size' is \(vision.outputSize), it must equal the decoder's 'hidden_size',"
          + " \(text.hiddenSize)")
    }
    imageTokenID = root.integer("image_token_id", in: 0...1 << 24, default: 151655)
    videoTokenID = root.integer("video_token_id", in: 0...1 << 24, default: 151656)
    visionStartTokenID = root.integer("vision_start_token_id", in: 0...1 << 24, default: 151652)
    visionEndTokenID = root.integer("vision_end_token_id", in: 0...1 << 24, default: 151653)
    let ids = [imageTokenID, videoTokenID, visionStartTokenID, visionEndTokenID]
    let rows = text.vocabularySize
    if decoder.errors.isEmpty, let high = ids.first(where: { $0 >= rows }) {
      root.report("the placeholder id \(high) is not below 'vocab_size', \(rows)")
    }
    if Set(ids).count < ids.count { root.report("two of the placeholder ids \(ids) are the same") }
    // Older files have it at the top level, some newer ones in the decoder's part; both count.
    let isTied = root.value("tie_word_embeddings") == true || decoder.value("tie_word_embeddings") == true
    outputEmbedding = isTied ? .tied : .untied
    self.document = document
    let errors = root.errors + decoder.errors + tower.errors
    if !errors.isEmpty { throw PipelineErrors(errors) }
  }
}

extension QwenVLConfig.Text {
  fileprivate init(_ reader: inout ConfigReader) {
    vocabularySize = reader.integer("vocab_size", in: 1...1 << 24)
    hiddenSize = reader.integer("hidden_size")
    intermediateSize = reader.integer("intermediate_size")
    layerCount = reader.integer("num_hidden_layers", in: 1...1 << 10)
    headCount = reader.integer("num_attention_heads")
    keyValueHeadCount = reader.integer("num_key_value_heads", default: headCount)
    contextLength = reader.integer("max_position_embeddings", in: 1...1 << 30, default: 32768)
    normEpsilon = reader.number("rms_norm_eps", default: 1e-5)
    reader.expect("hidden_act", in: ["silu"], default: "silu")
    reader.expect("attention_dropout", number: 0)
    let ropeKey = reader.value("rope_scaling") == nil ? "rope_parameters" : "rope_scaling"
    var rotary = ConfigReader(
      path: reader.path, prefix: "\(reader.prefix)\(ropeKey).", object: reader.value(ropeKey) ?? [:])
    rotary.expect(
      rotary.value("rope_type") == nil ? "type" : "rope_type", in: ["default", "mrope"], default: "default")
    rotary.expect("partial_rotary_factor", number: 1)
    ropeTheta =
      rotary.value("rope_theta") == nil
      ? reader.number("rope_theta", default: 1_000_000) : rotary.number("rope_theta", default: 1_000_000)
    mropeSection = rotary.integers("mrope_section", default: [16, 24, 24])
    reader.absorb(rotary)
    checkAttention(&reader)
  }

  private func checkAttention(_ reader: inout ConfigReader) {
    if let types = reader.value("layer_types")?.arrayValue {
      if types.count != layerCount || types.contains(where: { $0 != "full_attention" }) {
        reader.report(
          "'\(reader.prefix)layer_types' must be 'full_attention' for each of \(layerCount) layers;"
            + " others are not supported")
      }
    } else if reader.value("use_sliding_window") == true, let window = reader.value("sliding_window"),
      reader.value("max_window_layers")?.intValue ?? 80 < layerCount
    {
      reader.report("'\(reader.prefix)sliding_window' is \(window.json) and in use; only full attention is supported")
    }
    guard reader.errors.isEmpty else { return }
    if hiddenSize % headCount != 0 {
      reader.report("'\(reader.prefix)hidden_size' is \(hiddenSize), it must be a multiple of the \(headCount) heads")
    } else if let size = reader.value("head_dim"), size.intValue != headSize {
      reader.report("'\(reader.prefix)head_dim' is \(size.json), it must be hidden_size / heads = \(headSize)")
    } else if mropeSection.count != 3 || mropeSection.reduce(0, +) * 2 != headSize {
      reader.report(
        "'mrope_section' is \(mropeSection), it must be three numbers whose sum is half of a head's \(headSize)")
    }
    if headCount % keyValueHeadCount != 0 {
      reader.report(
        "'\(reader.prefix)num_key_value_heads' is \(keyValueHeadCount), it must divide the \(headCount) heads")
    }
  }
}

extension QwenVLConfig.Vision {
  fileprivate init(_ reader: inout ConfigReader) {
    depth = reader.integer("depth", in: 1...1 << 10)
    hiddenSize = reader.integer("hidden_size")
    intermediateSize = reader.integer("intermediate_size")
    headCount = reader.integer("num_heads")
    outputSize = reader.integer("out_hidden_size")
    channelCount = 3
    reader.expect(reader.value("in_channels") == nil ? "in_chans" : "in_channels", number: 3)
    patchSize = reader.integer("patch_size", in: 1...1 << 8, default: 14)
    temporalPatchSize = reader.integer("temporal_patch_size", in: 1...1 << 4, default: 2)
    spatialMergeSize = reader.integer("spatial_merge_size", in: 1...1 << 4, default: 2)
    windowSize = reader.integer("window_size", default: 112)
    tokensPerSecond = reader.integer("tokens_per_second", default: 4)
    fullAttentionBlocks = Set(reader.integers("fullatt_block_indexes", default: [7, 15, 23, 31]))
    reader.expect("hidden_act", in: ["silu"], default: "silu")
    var rotary = ConfigReader(
      path: reader.path, prefix: reader.prefix + "rope_parameters.", object: reader.value("rope_parameters") ?? [:])
    rotary.expect("rope_type", in: ["axial", "default"], default: "axial")
    ropeTheta = rotary.number("rope_theta", default: 10_000)
    reader.absorb(rotary)
    guard reader.errors.isEmpty else { return }
    if hiddenSize % headCount != 0 || headSize % 4 != 0 {
      reader.report(
        "'vision_config.hidden_size' is \(hiddenSize), it must give each of \(headCount) heads a multiple of 4")
    }
    if windowSize < patchSize * spatialMergeSize || windowSize % (patchSize * spatialMergeSize) != 0 {
      reader.report(
        "'vision_config.window_size' is \(windowSize), it must be a multiple of a token's side,"
          + " \(patchSize * spatialMergeSize) pixels")
    }
  }
}

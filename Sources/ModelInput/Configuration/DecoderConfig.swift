// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a family's decoder takes for keys that `config.json` leaves out: the defaults of its class in transformers.
struct DecoderDefaults {
  /// The width of a head.
  enum HeadSize {
    /// The decoder's width divided among the heads; a `head_dim` must say the same.
    case share
    /// `head_dim`, or else the share.
    case stated
    /// `head_dim`, or else this.
    case fixed(Int)
  }

  var headSize: HeadSize
  var contextLength: Int
  var normEpsilon: Double
  var ropeTheta: Double
  /// `max_window_layers`.
  var layersBeforeWindows = 28
}

extension ModelConfig.Text {
  /// Reads what all decoders have.
  ///
  /// - Parameter axes: Reads from the rotary parameters which position turns which pair.
  init(
    _ reader: inout ConfigReader, _ defaults: DecoderDefaults,
    axes: (inout ConfigReader) -> ModelConfig.Rotary.Axes = { _ in .one }
  ) {
    vocabularySize = reader.integer("vocab_size", in: 1...1 << 24)
    hiddenSize = reader.integer("hidden_size")
    intermediateSize = reader.integer("intermediate_size")
    layerCount = reader.integer("num_hidden_layers", in: 1...1 << 10)
    headCount = reader.integer("num_attention_heads")
    keyValueHeadCount = reader.integer("num_key_value_heads", default: headCount)
    contextLength = reader.integer("max_position_embeddings", in: 1...1 << 30, default: defaults.contextLength)
    normEpsilon = reader.number("rms_norm_eps", default: defaults.normEpsilon)
    reader.expect("hidden_act", in: ["silu"], default: "silu")
    reader.expect("attention_dropout", number: 0)
    headSize = hiddenSize / headCount
    rotary = ModelConfig.Rotary(&reader, theta: defaults.ropeTheta, contextLength: contextLength, axes: axes)
    checkWindows(&reader, defaults)
    if reader.errors.isEmpty { readHeads(&reader, defaults) }
  }

  private mutating func readHeads(_ reader: inout ConfigReader, _ defaults: DecoderDefaults) {
    let stated = reader.value("head_dim") == nil ? nil : reader.integer("head_dim", in: 2...1 << 12)
    switch (defaults.headSize, stated) {
    case (.fixed(let size), nil): headSize = size
    case (.fixed, let size?), (.stated, let size?): headSize = size
    case (.share, _), (.stated, nil):
      if hiddenSize % headCount != 0 {
        reader.report("'\(reader.prefix)hidden_size' is \(hiddenSize), it must be a multiple of the \(headCount) heads")
        return
      }
      if let stated, stated != headSize {
        reader.report("'\(reader.prefix)head_dim' is \(stated), it must be hidden_size / heads = \(headSize)")
        return
      }
    }
    if headSize % 2 != 0 { reader.report("a head is \(headSize) wide, which is odd; positions turn pairs of elements") }
    if case .chunks(let sections) = rotary.axes, sections.count != 3 || sections.reduce(0, +) * 2 != headSize {
      reader.report(
        "'mrope_section' is \(sections), it must be three numbers whose sum is half of a head's \(headSize)")
    } else if case .interleaved(let sections) = rotary.axes, sections.count != 3 {
      reader.report("'mrope_section' is \(sections), it must be three numbers")
    }
    if headCount % keyValueHeadCount != 0 {
      reader.report(
        "'\(reader.prefix)num_key_value_heads' is \(keyValueHeadCount), it must divide the \(headCount) heads")
    }
  }

  private func checkWindows(_ reader: inout ConfigReader, _ defaults: DecoderDefaults) {
    if let types = reader.value("layer_types")?.arrayValue {
      if types.count != layerCount || types.contains(where: { $0 != "full_attention" }) {
        reader.report(
          "'\(reader.prefix)layer_types' must be 'full_attention' for each of \(layerCount) layers;"
            + " others are not supported")
      }
    } else if reader.value("use_sliding_window") == true, let window = reader.value("sliding_window"),
      reader.value("max_window_layers")?.intValue ?? defaults.layersBeforeWindows < layerCount
    {
      reader.report("'\(reader.prefix)sliding_window' is \(window.json) and in use; only full attention is supported")
    }
  }
}

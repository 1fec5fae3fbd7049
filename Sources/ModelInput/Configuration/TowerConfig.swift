// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ModelConfig.Vision {
  /// What a family names or presumes differently.
  struct Defaults {
    var widthKey = "hidden_size"
    var width: Int?
    var outputSizeKey = "out_hidden_size"
    var outputSize: Int?
    var depth: Int?
    var headCount: Int?
    var patchSize = 14
    var activations: [ModelConfig.Activation]
  }

  /// Reads what all towers have, except the width of the feed-forward part.
  init(_ reader: inout ConfigReader, _ defaults: Defaults, tokens: ModelConfig.ImageTokens) {
    depth = reader.integer("depth", in: 1...1 << 10, default: defaults.depth)
    hiddenSize = reader.integer(defaults.widthKey, default: defaults.width)
    intermediateSize = 0
    headCount = reader.integer("num_heads", default: defaults.headCount)
    outputSize = reader.integer(defaults.outputSizeKey, default: defaults.outputSize)
    reader.expect(reader.value("in_channels") == nil ? "in_chans" : "in_channels", number: 3)
    patchSize = reader.integer("patch_size", in: 1...1 << 8, default: defaults.patchSize)
    temporalPatchSize = reader.integer("temporal_patch_size", in: 1...1 << 4, default: 2)
    spatialMergeSize = reader.integer("spatial_merge_size", in: 1...1 << 4, default: 2)
    activation = reader.choice("hidden_act", of: defaults.activations, default: defaults.activations[0])
    var rotary = ConfigReader(
      path: reader.path, prefix: reader.prefix + "rope_parameters.", object: reader.value("rope_parameters") ?? [:])
    rotary.expect("rope_type", in: ["axial", "default"], default: "axial")
    ropeTheta = rotary.number("rope_theta", default: 10_000)
    reader.absorb(rotary)
    self.tokens = tokens
    guard reader.errors.isEmpty else { return }
    if hiddenSize % headCount != 0 || headSize % 4 != 0 {
      reader.report(
        "'vision_config.\(defaults.widthKey)' is \(hiddenSize), it must give each of \(headCount) heads a multiple of 4"
      )
    }
  }
}

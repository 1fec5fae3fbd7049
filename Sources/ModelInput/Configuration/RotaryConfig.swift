// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

extension ModelConfig.Rotary {
  /// How frequencies are changed for contexts that are longer than those of the first training.
  package enum Scaling: Sendable, Hashable {
    /// Not at all. `dynamic` scaling is this too: it begins beyond the model's context, where nothing is computed.
    case none
    /// All are divided by a factor.
    case linear(factor: Double)
    /// Low ones are divided by a factor, high ones stay, and those between are mixed (Llama 3.1).
    case llama3(factor: Double, low: Double, high: Double, originalContext: Double)
    /// The same with a ramp over the pairs, and larger scores (YaRN, arXiv 2309.00071).
    case yarn(Yarn)
  }

  /// The numbers of YaRN.
  package struct Yarn: Sendable, Hashable {
    /// What low frequencies are divided by.
    package var factor: Double
    /// What cosines and sines are multiplied by.
    package var attentionFactor: Double
    /// Turns within the original context above which a frequency stays.
    package var fastTurns: Double
    /// Turns below which it is divided.
    package var slowTurns: Double
    /// The context of the first training.
    package var originalContext: Double
    /// Whether the ramp begins and ends at whole pairs.
    package var truncates: Bool
  }

  /// Reads `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling` (4).
  init(
    _ reader: inout ConfigReader, theta other: Double, contextLength: Int, axes: (inout ConfigReader) -> Axes
  ) {
    let key = reader.value("rope_scaling") == nil ? "rope_parameters" : "rope_scaling"
    var own = ConfigReader(
      path: reader.path, prefix: "\(reader.prefix)\(key).", object: reader.value(key) ?? [:])
    own.expect("partial_rotary_factor", number: 1)
    reader.expect("partial_rotary_factor", number: 1)
    theta =
      own.value("rope_theta") == nil
      ? reader.number("rope_theta", default: other) : own.number("rope_theta", default: other)
    scaling = Scaling(&own, contextLength: contextLength, stated: reader.value("original_max_position_embeddings"))
    self.axes = axes(&own)
    reader.absorb(own)
  }
}

extension ModelConfig.Rotary.Scaling {
  /// - Parameter stated: The context of the first training where it stands outside of the rotary parameters.
  fileprivate init(_ reader: inout ConfigReader, contextLength: Int, stated: JSONValue?) {
    let key = reader.value("rope_type") == nil ? "type" : "rope_type"
    reader.expect(key, in: ["default", "mrope", "linear", "dynamic", "llama3", "yarn"], default: "default")
    let original =
      stated?.doubleValue ?? reader.number("original_max_position_embeddings", default: Double(contextLength))
    switch reader.value(key)?.stringValue {
    case "linear": self = .linear(factor: reader.number("factor"))
    case "llama3":
      self = .llama3(
        factor: reader.number("factor"), low: reader.number("low_freq_factor"),
        high: reader.number("high_freq_factor"), originalContext: original)
    case "yarn": self = .yarn(ModelConfig.Rotary.Yarn(&reader, contextLength: contextLength, original: original))
    default: self = .none
    }
  }
}

extension ModelConfig.Rotary.Yarn {
  fileprivate init(_ reader: inout ConfigReader, contextLength: Int, original: Double) {
    factor = reader.number("factor", default: Double(contextLength) / original)
    originalContext = original
    fastTurns = reader.number("beta_fast", default: 32)
    slowTurns = reader.number("beta_slow", default: 1)
    truncates = reader.flag("truncate") ?? true
    attentionFactor = Self.scale(factor)
    if reader.value("mscale") != nil, reader.value("mscale_all_dim") != nil {
      attentionFactor =
        Self.scale(factor, reader.number("mscale")) / Self.scale(factor, reader.number("mscale_all_dim"))
    }
    attentionFactor = reader.number("attention_factor", default: attentionFactor)
  }

  private static func scale(_ factor: Double, _ share: Double = 1) -> Double {
    factor <= 1 ? 1 : 0.1 * share * log(factor) + 1
  }
}

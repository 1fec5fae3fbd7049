// SPDX-License-Identifier: Apache-2.0

/// The two naming schemes for weights in files.
///
/// The canonical names are those of the published checkpoints: `model.…`, `visual.…`, `lm_head.weight`. Newer files use
/// `model.language_model.…` and `model.visual.…`.
enum WeightNames {
  /// The canonical form of a name.
  static func canonical(_ name: String) -> String {
    if name.hasPrefix("model.language_model.") { return "model." + name.dropFirst("model.language_model.".count) }
    if name.hasPrefix("model.visual.") { return String(name.dropFirst("model.".count)) }
    return name
  }

  /// Whether a file may contain a tensor that the model computes itself.
  static func isComputed(_ name: String) -> Bool {
    name.hasSuffix("rotary_emb.inv_freq") || name.hasSuffix("rotary_pos_emb.inv_freq")
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The limits of a loss, as far as it has them.
struct LossOptions {
  var low: Double?
  var high: Double?
  var dual: Double?
  var positive: Double?
  var negative: Double?

  /// The loss with its own of these options.
  func loss(_ name: String) -> JSONValue {
    var options: Members = []
    // Beyond 1 is no limit, as 1 is: a ratio is never negative.
    let low = low.map { min($0, 1) }
    switch name {
    case "clip", "gspo", "gspo-token":
      options.set("epsilon_low", low.map { .number($0) })
      options.set("epsilon_high", high.map { .number($0) })
      options.set("dual_clip", dual.map { .number($0) })
    case "cispo":
      options.set("epsilon_low", low.map { .number($0) })
      options.set("epsilon_high", high.map { .number($0) })
    case "sapo":
      options.set("tau_positive", positive.map { .number($0) })
      options.set("tau_negative", negative.map { .number($0) })
    default: break
    }
    return .component(name, options)
  }
}

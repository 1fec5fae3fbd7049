// SPDX-License-Identifier: Apache-2.0

/// The kind of component in a new package.
enum PluginKind: String {
  case reward, stage, advantage, loss, sampler, waves, store

  /// The ending of types of this kind.
  var suffix: String {
    switch self {
    case .reward: "Reward"
    case .stage: "Stage"
    case .advantage: "Estimator"
    case .loss: "Loss"
    case .sampler: "Sampler"
    case .waves: "Waves"
    case .store: "Store"
    }
  }

  /// What it is, with its article.
  var noun: String {
    switch self {
    case .advantage: "An advantage estimator"
    case .sampler: "A sampler of prompts"
    case .waves: "A wave policy"
    case .store: "A replay store"
    default: "A \(rawValue)"
    }
  }

  /// Whether a spec that uses it needs a model.
  var needsModel: Bool { self == .loss || self == .waves }

  /// The stages of a spec that uses such a component.
  func stages(naming name: String) -> String {
    let reward = #"{ "use": "reward", "with": { "functions": ["boxed-answer"] } }"#
    switch self {
    case .reward:
      return """
        { "use": "reward", "with": { "functions": [
              { "use": "boxed-answer", "weight": 0.8, "name": "accuracy" },
              { "use": "\(name)", "weight": 0.2 } ] } },
            "advantage", "pairwise-sample", "shuffle"
        """
    case .stage: return "\(reward),\n    \"\(name)\", \"advantage\""
    case .advantage:
      return """
        \(reward),
            { "use": "advantage", "with": { "estimator": "\(name)" } },
            "pairwise-sample", "shuffle"
        """
    case .sampler: return "\(reward),\n    \"advantage\", \"pairwise-sample\", \"shuffle\""
    case .waves:
      return
        "{ \"use\": \"rollout\", \"with\": { \"n\": 8, \"waves\": \(name) } },\n    \(reward),\n    \"advantage\", \"update\""
    case .store:
      return
        "\(reward),\n    { \"use\": \"replay\", \"with\": { \"store\": \(name) } },\n    \"advantage\", \"pairwise-sample\", \"shuffle\""
    case .loss:
      return "\(reward),\n    \"advantage\",\n    { \"use\": \"update\", \"with\": { \"loss\": \"\(name)\" } }"
    }
  }
}

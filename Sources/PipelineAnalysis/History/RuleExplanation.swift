// SPDX-License-Identifier: Apache-2.0

/// What the names of rules and estimators mean, in a sentence.
enum RuleExplanation {
  /// Why a rule drops a trajectory; nil for a rule of somebody else's stage.
  static func rule(_ name: String) -> String? {
    switch name {
    case "no-reward": "it has no reward, so it can be compared with nothing"
    case "too-few-scored":
      "it is the only rollout of its group with a reward, and there is none to compare it with"
    case "group-too-small": "its group is too small to give a pair"
    case "unpaired-median":
      "its group has an odd number of rollouts, and the one in the middle stays without a partner"
    case "inner-pair":
      "only the outermost pairs of a group are kept, best with worst, and it lies nearer the middle"
    case "zero-variance":
      "all rewards of its group are equal, so there is nothing to learn from comparing them"
    case "not-selected": "the stage keeps a part of each group, and chose others"
    case "no-advantage": "it has no advantage to be selected by"
    case "not-drawn": "the weighted draw passed it over in every round"
    case "reward-band": "its group's mean score lies outside the band: too easy, or too hard, to learn from"
    case "overlong": "its response is longer than allowed"
    case "no-tokens": "the estimator works token by token, and the record has no tokens"
    case "no-baseline": "the estimator needs the reward of a greedy response, and the record has no baseline"
    default: nil
    }
  }

  /// How an estimator comes to an advantage; nil for somebody else's.
  static func estimator(_ name: String) -> String? {
    switch name {
    case "grpo": "(reward - mean) / std of its group"
    case "dr-grpo": "reward - mean of its group"
    case "rloo": "reward - mean of the others in its group"
    case "grpo-passk": "only the best of a group has one: (best - second) / std"
    case "reinforce-plus-plus": "return to go per token, whitened over the batch; this is the mean"
    case "remax": "reward - reward of the greedy response"
    default: nil
    }
  }
}

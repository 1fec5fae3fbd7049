// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How trajectories of earlier steps are trained on: those that the stage `replay` has brought in, and those of groups that have waited
/// for their rest in `waves` of `rollout`.
///
/// They were sampled by an older policy, with the log-probabilities `logprobs` that they were stored with. By default the update
/// starts from the log-probabilities of the present policy, as for all others, and each token's loss is multiplied by
/// `min(π_old / π_sampled, 2)`, a constant for the gradient; see ``ImportanceCorrection``. With `old_log_probs: stored` the loss
/// compares with the policy that sampled them instead, so that its clipping limits the whole distance; nothing is left to
/// correct then.
///
/// Those that lack `logprobs` where these are needed leave by the rule `unusable`.
package struct ReplayedOptions: ComponentOptions, Hashable {
  /// What the loss compares the current policy with.
  package enum OldLogProbs: String, Codable, Sendable, Hashable, CaseIterable {
    /// The policy before the step's first update.
    case recompute
    /// The policy that sampled it.
    case stored
  }

  /// What the means of the loss are taken over.
  package enum Denominator: String, Codable, Sendable, Hashable, CaseIterable {
    /// All responses of a minibatch together.
    case joint
    /// Those of the step, and those of earlier ones, each by themselves.
    case own
  }

  package var oldLogProbs = OldLogProbs.recompute
  package var importance = ImportanceCorrection(level: .token)
  package var denominator = Denominator.joint
  package var kl = true

  /// The defaults.
  package init() {}

  /// The help for each option.
  package static let help = [
    "old_log_probs":
      "what the loss compares with: recompute, the policy before the step's updates; stored, the policy that sampled it",
    "importance": "the correction for the policy that sampled them; with old_log_probs 'stored' its level must be none",
    "denominator":
      "joint: the loss is a mean over all responses; own: the sum of a mean over those of the step and one over those of earlier steps",
    "kl": "whether the KL penalty of the loss holds for them too",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    guard oldLogProbs == .stored, importance.level != .none else { return [] }
    return [
      OptionProblem(
        "importance.level",
        "is \(importance.level.rawValue), but with old_log_probs 'stored' the loss compares with the policy that sampled them, and "
          + "nothing is left to correct; set it to none")
    ]
  }
}

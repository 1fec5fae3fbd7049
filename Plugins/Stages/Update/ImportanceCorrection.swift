// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Corrects for responses that were sampled by another policy than the one that the update starts from: another engine,
/// or an older version.
///
/// The loss compares the current policy with the old policy, whose log-probabilities are computed here
/// (`old_logprobs`); the tokens were drawn with the `logprobs` that came with them. Each token's loss is multiplied by
/// the ratio `w = π_old / π_sampled`, a constant for the gradient:
/// - `token`: of the token; low variance, some bias;
/// - `sequence`: of the whole response, the product over its tokens; no bias, high variance.
///
/// `truncate` limits it to `cap`, `mask` sets it to 0 outside `1/cap…cap`. Log-ratios are clamped to ±20 first. Masked
/// tokens still count in the denominators of the mean.
///
/// Sources: Yao et al., "Your Efficient RL Framework Secretly Brings You Off-Policy RL Training" (truncated importance
/// sampling); verl's rollout correction (`rollout_is`, `rollout_is_threshold` = 2), where truncation has only an upper
/// limit, and masking, called IcePop there, has both. Masking also weights what it keeps by w.
package struct ImportanceCorrection: ComponentOptions, Hashable {
  /// Which probabilities are compared.
  package enum Level: String, Codable, Sendable, Hashable, CaseIterable {
    /// Each token's for rollouts that say in `sampling.weights` that they were sampled with weights in another format, none for
    /// others.
    case auto
    /// None: every factor is 1.
    case none
    /// Each token's.
    case token
    /// The response's.
    case sequence
  }

  /// What to do with a ratio that is too large.
  package enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
    /// It counts as the largest allowed.
    case truncate
    /// Its tokens are not trained on; the same holds for a ratio that is too small.
    case mask
  }

  package var level = Level.auto
  package var mode = Mode.truncate
  package var cap = 2.0

  /// A correction where a rollout says that it was sampled with other weights.
  package init() {}

  /// A correction that truncates at 2.
  package init(level: Level) { self.level = level }

  /// The help for each option.
  package static let help = [
    "level":
      "for responses sampled by another policy or engine: none, token or sequence, whose probabilities are compared; auto takes "
      + "token for rollouts of a policy with rollout_weights, and none for others",
    "mode": "truncate limits a ratio to the cap, mask does not train where it lies outside 1/cap…cap",
    "cap": "the largest ratio of old to sampling probability that counts",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    cap >= 1 && cap.isFinite ? [] : [OptionProblem("cap", "is \(cap), it must be 1 or more")]
  }

  /// The factor of the loss of each token of a response.
  ///
  /// - Parameters:
  ///   - sampled: The log-probabilities of the tokens that are trained on, under the policy that sampled them.
  ///   - old: The same under the policy before the step's first update.
  package func factors(sampled: [Double], old: [Double]) -> [Double] {
    precondition(sampled.count == old.count, "log-probabilities of the same tokens")
    switch level {
    case .none: return Array(repeating: 1, count: old.count)
    case .auto, .token: return zip(sampled, old).map { factor(logRatio: $1 - $0) }
    case .sequence:
      let limit = 1e290
      let sum = zip(sampled, old).reduce(0) { $0 + min(max($1.1 - $1.0, -limit), limit) }
      return Array(repeating: factor(logRatio: sum), count: old.count)
    }
  }

  /// The ratios of a response before they are limited, one for each token, and how many tokens have one above the cap; nil where
  /// nothing is corrected.
  package func ratios(sampled: [Double], old: [Double]) -> (ratios: [Double], limited: Int)? {
    if level == .none { return nil }
    var free = self
    (free.mode, free.cap) = (.truncate, .infinity)
    let ratios = free.factors(sampled: sampled, old: old)
    return (ratios, ratios.count { $0 > cap || (mode == .mask && $0 < 1 / cap) })
  }

  private func factor(logRatio: Double) -> Double {
    let ratio = PolicyRatio(logRatio: logRatio).value
    switch mode {
    case .truncate: return min(ratio, cap)
    case .mask: return ratio <= cap && ratio >= 1 / cap ? ratio : 0
    }
  }
}

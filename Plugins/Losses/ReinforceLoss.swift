// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// `−A · log π_θ`: the plain policy gradient, for updates with the policy that sampled.
///
/// Source: Williams, "Simple Statistical Gradient-Following Algorithms" (REINFORCE).
public struct ReinforceLoss: PolicyLoss {
  /// `reinforce`.
  public static let name = "reinforce"
  /// The summary that `describe` shows.
  public static let summary = "The plain policy gradient, without a ratio to the policy before the step"
  /// The old policy is not used.
  public let usesOldLogProbs = false

  /// Makes the loss; it has no options.
  public init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// The losses, and their gradient.
  public func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let advantage = tokens.advantages[token]
      result.add(loss: -advantage * tokens.logProbs[token], gradient: tokens.weights[token] * -advantage)
    }
    return result
  }
}

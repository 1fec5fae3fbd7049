// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// The value of `gspo` with a separate gradient for each token.
///
/// The ratio of a token is `sg(s) · π_θ / sg(π_θ)`, where s is the response's ratio and sg stops the gradient: it has
/// the value of s, and changes only with the token's own log-probability. If all tokens of a response have the same
/// advantage and weight, the gradients add up to those of `gspo`.
///
/// Source: Zheng et al., "Group Sequence Policy Optimization" (arXiv 2507.18071), section on GSPO-token.
public struct GSPOTokenLoss: PolicyLoss {
  /// `gspo-token`.
  public static let name = "gspo-token"
  /// The summary that `describe` shows.
  public static let summary = "The value of gspo with a gradient for each token, for advantages that differ by token"
  /// The mean over responses of the mean over their tokens.
  public let aggregation = LossAggregation.sequenceMeanTokenMean

  private let objective: ClippedObjective

  /// Makes the loss.
  public init(options: GSPOOptions = GSPOOptions(), assembly: Assembly) { objective = options.objective }

  /// The clipped losses, and the gradient of each with respect to its own log-probability.
  public func evaluate(_ tokens: LossTokens) -> TokenLosses {
    let ratio = PolicyRatio(logRatio: tokens.meanLogRatio)
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let (loss, slope, clip) = objective.evaluate(advantage: tokens.advantages[token], ratio: ratio)
      result.add(loss: loss, gradient: tokens.weights[token] * slope, clip: clip)
    }
    return result
  }
}

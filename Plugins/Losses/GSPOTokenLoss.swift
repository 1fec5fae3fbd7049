// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The value of `gspo` with a separate gradient for each token.
///
/// The ratio of a token is `sg(s) · π_θ / sg(π_θ)`, where s is the response's and sg stops the gradient: it has the value
/// of s, and changes with the token's own log-probability alone. Where the advantage is the same for all tokens of a
/// response, and so are the weights, the gradients add up to those of `gspo`.
package struct GSPOTokenLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "gspo-token",
    summary: "The value of gspo with a gradient for each token, for advantages that differ by token",
    papers: [Paper("Group Sequence Policy Optimization, section on GSPO-token", arXiv: "2507.18071")])
  /// The mean over responses of the mean over their tokens.
  package let aggregation = LossAggregation.sequenceMeanTokenMean

  private let objective: ClippedObjective

  /// Makes the loss.
  package init(options: GSPOOptions = GSPOOptions(), assembly: Assembly) { objective = options.objective }

  /// The clipped losses, and the gradient of each with respect to its own log-probability.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    let ratio = PolicyRatio(logRatio: tokens.meanLogRatio)
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let (loss, slope, clip) = objective.evaluate(advantage: tokens.advantages[token], ratio: ratio)
      result.add(loss: loss, gradient: tokens.weights[token] * slope, clip: clip)
    }
    return result
  }
}

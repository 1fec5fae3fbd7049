// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The clipped loss with one ratio for the whole response: `s = exp(mean_t(log π_θ − log π_old))`.
///
/// The mean is over the tokens that are trained on, so each token's loss depends on the log-probabilities of all of them.
/// It is clamped to ±20, with gradient 0 where it is clamped.
///
/// The limits are the paper's.
package struct GSPOLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "gspo", summary: "PPO's clipped loss with one ratio for each response, that of its mean log-ratio",
    papers: [Paper("Group Sequence Policy Optimization", arXiv: "2507.18071")])
  /// The mean over responses of the mean over their tokens.
  package let aggregation = LossAggregation.sequenceMeanTokenMean

  private let perToken: GSPOTokenLoss

  /// Makes the loss.
  package init(options: GSPOOptions = GSPOOptions(), assembly: Assembly) {
    perToken = GSPOTokenLoss(options: options, assembly: assembly)
  }

  /// The clipped losses, and their gradient: the same for every token.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = perToken.evaluate(tokens)
    let sum = result.gradient.reduce(0) { ($0 + $1.bounded).bounded }
    for token in 0..<tokens.count { result.gradient[token] = sum / Double(tokens.count) }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `−log π_θ`, the cross-entropy of given responses: supervised fine-tuning.
///
/// Advantages are ignored, so records need no reward.
package struct NLLLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "nll", summary: "Supervised fine-tuning: the negative log-likelihood of the given responses")
  /// Nothing beside the response.
  package let reads: Set<Field> = []
  /// The old policy is not used.
  package let usesOldLogProbs = false

  /// Makes the loss; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// The losses, and their gradient.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count { result.add(loss: -tokens.logProbs[token], gradient: -tokens.weights[token]) }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `−A · log π_θ`: the policy gradient as it is, for updates with the policy that sampled.
package struct ReinforceLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "reinforce", summary: "The plain policy gradient, without a ratio to the policy before the step",
    papers: [
      Paper(
        "Simple Statistical Gradient-Following Algorithms (REINFORCE)", link: "https://doi.org/10.1007/BF00992696")
    ])
  /// The old policy does not matter.
  package let usesOldLogProbs = false

  /// Makes the loss; it has no options.
  package init(options: NoOptions = NoOptions(), assembly: Assembly) {}

  /// The losses, and their gradient.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let advantage = tokens.advantages[token]
      result.add(loss: -advantage * tokens.logProbs[token], gradient: tokens.weights[token] * -advantage)
    }
    return result
  }
}

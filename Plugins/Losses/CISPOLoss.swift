// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `−A · sg(clip(ρ, 1−ε_low, 1+ε_high)) · log π_θ`: the clipped ratio is a weight, and no token loses its gradient.
///
/// sg stops the gradient: the weight counts as a constant. A token whose weight is clipped counts as clipped, `higher`
/// if that raises its loss and `lower` if it lowers it.
///
/// The paper sets no lower limit; the upper one is that of verl's example.
package struct CISPOLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "cispo", summary: "The policy gradient, each token weighted by its clipped ratio",
    papers: [Paper("MiniMax-M1 (CISPO)", arXiv: "2506.13585")])

  /// The options.
  package struct Options: ComponentOptions, Hashable {
    package var epsilonLow = 1.0
    package var epsilonHigh = 0.2

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "epsilon_low": "how far below 1 a token's weight may be; 1 for no limit, as in the paper; EasyR1: 0.2",
      "epsilon_high": "how far above 1 a token's weight may be; verl's example: 0.2, EasyR1: 0.3",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      ClippedObjective.epsilonProblems(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh)
    }
  }

  private let limits: ClosedRange<Double>

  /// Makes the loss.
  package init(options: Options = Options(), assembly: Assembly) {
    limits = (1 - options.epsilonLow)...(1 + options.epsilonHigh)
  }

  /// The weighted losses, and their gradient.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let ratio = PolicyRatio(logRatio: tokens.logRatio(token)).value
      let weight = min(max(ratio, limits.lowerBound), limits.upperBound)
      let slope = (-tokens.advantages[token] * weight).bounded
      let loss = (slope * tokens.logProbs[token]).bounded
      let free = (-tokens.advantages[token] * ratio).bounded * tokens.logProbs[token]
      result.add(
        loss: loss, gradient: tokens.weights[token] * slope, clip: loss > free ? .higher : loss < free ? .lower : .none)
    }
    return result
  }
}

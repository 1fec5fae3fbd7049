// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// `−A · 4/τ · σ(τ(ρ − 1))`: a gate that closes gradually, instead of clipping.
///
/// At ρ = 1 its slope is that of `−A ρ`. The log-ratio is clamped to ±20, with gradient 0 where it is clamped.
///
/// In the paper τ is 1.0 where A ≥ 0, else 1.05.
package struct SAPOLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "sapo", summary: "A soft gate on the ratio of each token, in the place of limits",
    papers: [Paper("Soft Adaptive Policy Optimization", arXiv: "2511.20347")])
  /// The mean over responses of the mean over their tokens.
  package let aggregation = LossAggregation.sequenceMeanTokenMean

  /// The options.
  package struct Options: ComponentOptions, Hashable {
    package var tauPositive = 1.0
    package var tauNegative = 1.05

    /// The defaults, those of the paper.
    package init() {}

    /// The help for each option.
    package static let help = [
      "tau_positive": "how fast the gate closes if the advantage is 0 or more; larger is faster",
      "tau_negative": "how fast the gate closes if the advantage is negative",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      [("tau_positive", tauPositive), ("tau_negative", tauNegative)].compactMap { name, value in
        value > 0 && value.isFinite ? nil : OptionProblem(name, "is \(value), it must be more than 0")
      }
    }
  }

  private let options: Options

  /// Makes the loss.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// The gated losses, and their gradient.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let advantage = tokens.advantages[token]
      let ratio = PolicyRatio(logRatio: tokens.logRatio(token))
      let tau = advantage >= 0 ? options.tauPositive : options.tauNegative
      let opening = (tau * (ratio.value - 1)).bounded
      let share = logisticFunction(opening)
      // σ' = σ(x) σ(−x), and the τ of 4/τ cancels that of the argument.
      let slope = 4 * share * logisticFunction(-opening) * ratio.slope
      result.add(
        loss: -advantage * (4 / tau * share).bounded, gradient: tokens.weights[token] * (-advantage * slope).bounded)
    }
    return result
  }
}

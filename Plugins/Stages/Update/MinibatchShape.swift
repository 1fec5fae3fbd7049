// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The denominators of the mean over a minibatch: the numbers of tokens of its responses, and how often each was drawn.
///
/// The weights are those of the whole minibatch, so that micro-batches of any size add up to the exact mean.
/// Denominators count every draw once, independent of `loss_weight`, which multiplies the weight afterwards.
package struct MinibatchShape: Sendable, Hashable {
  /// For each response, the number of tokens that are trained on.
  package let tokenCounts: [Int]
  /// For each response, how often the minibatch contains it.
  package let draws: [Int]
  /// The longest permitted response, in tokens.
  package let longest: Int
  /// All tokens that are trained on, each as often as it was drawn.
  package let tokenCount: Int
  /// All responses, each as often as it was drawn.
  package let responseCount: Int

  /// The shape of a minibatch.
  ///
  /// - Parameters:
  ///   - tokenCounts: For each response, the number of tokens that are trained on; 0 if all are masked.
  ///   - draws: For each response, how often the minibatch contains it.
  ///   - longest: The longest permitted response, in tokens; used only by ``LossAggregation/sequenceMeanTokenSumNorm``.
  /// - Precondition: There are as many draws as token counts, none is negative, and `longest` is positive.
  package init(tokenCounts: [Int], draws: [Int], longest: Int) {
    precondition(tokenCounts.count == draws.count, "a number of draws for each response")
    precondition(tokenCounts.allSatisfy { $0 >= 0 } && draws.allSatisfy { $0 >= 0 }, "counts are 0 or more")
    precondition(longest > 0, "the longest response allowed has a token at least")
    self.tokenCounts = tokenCounts
    self.draws = draws
    self.longest = longest
    tokenCount = zip(tokenCounts, draws).reduce(0) { $0 + $1.0 * $1.1 }
    responseCount = draws.reduce(0, +)
  }

  /// The factor of the loss of each token of a response, for all draws of the response together.
  ///
  /// With n tokens and m draws of this response, R responses in all, and T tokens in all: `m/T`, `m/(R·n)`, `m/R`, and
  /// `m/(R·L)` for the longest permitted response L. A response without a token counts in R, as in EasyR1; its own
  /// factor is 0, as is that of a response that was not drawn.
  ///
  /// - Parameter lossWeight: The trajectory's `loss_weight`.
  package func weight(
    ofResponse response: Int, _ aggregation: LossAggregation, lossWeight: Double = 1
  ) -> Double {
    let draws = Double(draws[response])
    let count = tokenCounts[response]
    if draws == 0 || count == 0 { return 0 }
    let divisor =
      switch aggregation {
      case .tokenMean: Double(tokenCount)
      case .sequenceMeanTokenMean: Double(responseCount) * Double(count)
      case .sequenceMeanTokenSum: Double(responseCount)
      case .sequenceMeanTokenSumNorm: Double(responseCount) * Double(longest)
      }
    return draws / divisor * lossWeight
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The return to go of each response token, whitened over all response tokens of the batch.
///
/// The reward is at the last token, so that token `t` of `n` has `R_t = γ^(n−1−t) · r`; then `A_t = (R_t − mean) /
/// sqrt(var + 1e-8)`, the variance with n − 1. If all returns of a batch are equal, also if it has a single token, `A =
/// 0` exactly.
///
/// As EasyR1's `compute_reinforce_plus_plus_outcome_advantage` has it.
package struct ReinforcePlusPlusEstimator: AdvantageEstimator {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "reinforce-plus-plus", summary: "The discounted return of every token, whitened over the batch",
    elsewhere: ["gae", "reinforce_plus_plus_baseline", "reinforce++"],
    papers: [Paper("REINFORCE++", arXiv: "2501.03262")])
  /// How an advantage comes about.
  package let formula = "return to go per token, whitened over the batch; this is the mean"
  /// The response's tokens, to be counted.
  package let reads: Set<Field> = [.tokens]
  /// Values per token.
  package let writes: Set<Field> = [.advantage, .advantages]
  /// A rollout needs no partner.
  package let comparesWithinGroup = false

  /// The options.
  package struct Options: ComponentOptions {
    package var gamma = 1.0

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = ["gamma": "discount per token between a token and the reward at the end, 0…1"]

    /// The problems of the values.
    package func problems() -> [OptionProblem] { [.unless("gamma", gamma, in: 0...1)].compactMap { $0 } }
  }

  private let gamma: Double

  /// Makes the estimator.
  package init(options: Options = Options(), assembly: Assembly) { gamma = options.gamma }

  /// Advantages per token, for rollouts of the whole batch together.
  ///
  /// Linear in the number of tokens.
  package func advantages(for groups: [[ScoredRollout]]) -> [[RolloutAdvantage]] {
    let returns = groups.map { $0.map(returns(of:)) }
    let whitening = Whitening(returns)
    return returns.map { $0.map { .perToken($0.map(whitening.apply)) } }
  }

  private func returns(of rollout: ScoredRollout) -> [Double] {
    var values = [Double](repeating: rollout.reward, count: rollout.tokenCount)
    guard gamma != 1 else { return values }
    for index in values.indices.dropLast().reversed() { values[index] = gamma * values[index + 1] }
    return values
  }
}

/// Shifts values to mean 0 and scales them to variance 1.
private struct Whitening {
  private let mean: Double
  private let scale: Double

  /// Measures all values together.
  init(_ values: [[[Double]]]) {
    var count = 0.0
    var sum = 0.0
    var least = Double.infinity
    var greatest = -Double.infinity
    for rollout in values.joined() {
      for value in rollout {
        count += 1
        sum += value
        least = min(least, value)
        greatest = max(greatest, value)
      }
    }
    guard least < greatest else {
      (mean, scale) = (0, 0)
      return
    }
    let mean = sum / count
    var squares = 0.0
    for rollout in values.joined() {
      for value in rollout { squares += (value - mean) * (value - mean) }
    }
    self.mean = mean
    scale = 1 / (squares / (count - 1) + 1e-8).squareRoot()
  }

  func apply(_ value: Double) -> Double { scale == 0 ? 0 : (value - mean) * scale }
}

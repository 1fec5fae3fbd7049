// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Uses how much each token depends on the image: the difference of log-probabilities that the stage `contrast` makes known.
///
/// With `d = log π(token | image with black parts) − log π(token | image)`, clamped to ±20, a token's dependence is
/// `k3 = min(e^d − d − 1, 10)`.
///
/// - `tokens`: the `⌈tokens · n⌉` tokens of each response with the largest k3 are trained on, of equals the earlier. Others leave
///   the numerator and the denominator.
/// - `least_factor` β: advantages are multiplied by `β + x · (1 − β) / (mean x + 1e-8)`, where x is the mean k3 of a response, scaled
///   to 0…1 over the minibatch; the mean factor is 1. Where all are equal to 1e-6, there is one, or a response has no token, the factor is 1.
/// - `reward` γ: the loss falls by γ times the mean of k3 with the current policy in the place of the old one. The probabilities
///   with black parts are constants.
/// - `entropy`: the loss grows by this times the mean of −log π, which keeps the former from being had by high entropy.
///
/// Sources: VPPO (`tokens: 0.4`, `least_factor: 0.9`), PAPO (`reward: 0.01`, `entropy: 0.03`).
// Differs from VPPO: the mean of x is over the minibatch; there over the micro-batch, so that the result depends on its size.
// Differs from PAPO: probabilities with black parts are those before the step's first update.
package struct ContrastOptions: ComponentOptions, Hashable {
  package var tokens = 1.0
  package var leastFactor = 1.0
  package var reward = 0.0
  package var entropy = 0.0

  /// Nothing.
  package init() {}

  /// The help for each option.
  package static let help = [
    "tokens":
      "the share of each response's tokens that is trained on, those that depend most on the image; VPPO: 0.4; 1 for all",
    "least_factor":
      "the factor of the advantages of the response that depends least on its image, where the mean factor is 1; VPPO: 0.9; 1 for "
      + "none",
    "reward":
      "what the mean dependence on the image is multiplied by before it is subtracted from the loss; PAPO: 0.01; 0 for none",
    "entropy": "what the mean of −log π is multiplied by before it is added to the loss; PAPO: 0.03; 0 for none",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !(tokens > 0 && tokens <= 1) {
      problems.append(OptionProblem("tokens", "is \(tokens), it must lie above 0 and up to 1"))
    }
    if let problem = OptionProblem.unless("least_factor", leastFactor, in: 0...1) { problems.append(problem) }
    for (name, value) in [("reward", reward), ("entropy", entropy)] where !(value >= 0 && value.isFinite) {
      problems.append(OptionProblem(name, "is \(value), it must be 0 or more"))
    }
    return problems
  }

  /// Whether log-probabilities with black parts are needed.
  var isOn: Bool { tokens < 1 || leastFactor < 1 || reward > 0 }

  /// A token's dependence on the image, and its derivative with respect to the log-probability with the image.
  package static func dependence(contrast: Double, clean: Double) -> KLEstimator.Value {
    KLEstimator.k3(logProb: clean, reference: contrast)
  }

  /// Which tokens of a response are trained on, ascending: those with the largest dependence, of equals the earlier.
  package func chosen(_ dependences: [Double]) -> [Int] {
    let exact = tokens * Double(dependences.count)
    let count = min(dependences.count, Int((exact - 1e-9).rounded(.up)))
    return dependences.indices.sorted { (-dependences[$0], $0) < (-dependences[$1], $1) }.prefix(count).sorted()
  }

  /// The factors of the advantages of responses with these dependences, of which each counts as often as it was drawn.
  ///
  /// A response without a token counts in no mean, and its factor is 1.
  package func factors(_ dependences: [[Double]], draws: [Int]) -> [Double] {
    let means = dependences.map { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
    let known = means.compactMap { $0 }
    guard let least = known.min(), let greatest = known.max(), greatest - least > 1e-6 else {
      return means.map { _ in 1 }
    }
    let scaled = means.map { $0.map { ($0 - least) / (greatest - least) } }
    var sum = 0.0
    var count = 0
    for (value, draws) in zip(scaled, draws) {
      guard let value else { continue }
      sum += value * Double(draws)
      count += draws
    }
    let mean = sum / Double(max(1, count))
    return scaled.map { $0.map { leastFactor + $0 * (1 - leastFactor) / (mean + 1e-8) } ?? 1 }
  }

  /// The examples of a minibatch with the tokens that are trained on and the advantages that they count with.
  func choose(_ examples: [Int: TrainingExample], draws: [Int: Int]) -> [Int: TrainingExample] {
    guard tokens < 1 || leastFactor < 1 else { return examples }
    let members = draws.keys.sorted().filter { examples[$0]?.contrast != nil }
    let dependences = members.map { examples[$0]?.contrast?.dependences ?? [] }
    let factors = factors(dependences, draws: members.map { draws[$0] ?? 0 })
    var chosen = examples
    for (place, member) in members.enumerated() {
      chosen[member] = examples[member]?.keeping(
        tokens < 1 ? self.chosen(dependences[place]) : Array(dependences[place].indices), factor: factors[place])
    }
    return chosen
  }
}

/// Log-probabilities of a response with black parts in its images, and with the images as they are, before the first update.
struct ContrastFigures: Sendable {
  let logProbs: [Double]
  let clean: [Double]

  /// How much each token depends on the image.
  var dependences: [Double] {
    zip(logProbs, clean).map { ContrastOptions.dependence(contrast: $0, clean: $1).value }
  }

  /// Those of some tokens.
  func keeping(_ kept: [Int]) -> ContrastFigures {
    ContrastFigures(logProbs: kept.map { logProbs[$0] }, clean: kept.map { clean[$0] })
  }
}

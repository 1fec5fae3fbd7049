// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Trains on the tokens with the highest entropies alone.
///
/// The threshold is the quantile `1 − share` of the entropies of all tokens that are trained on together, with linear
/// interpolation, a token counting as often as its response was drawn; tokens at the threshold are kept, so that equal
/// entropies all stay. Tokens below it leave the numerator and the denominator of the loss's mean, as those that `loss_mask`
/// leaves out do; a response all of whose tokens leave still counts as a response.
///
/// Source: "Beyond the 80/20 Rule" with a share of 0.2; the quantile as TRL has it.
// Differs from TRL: over the minibatch or the batch; there over the tokens of one micro-batch on all processes, so that the
// result depends on how a batch is cut.
package struct HighEntropyTokens: ComponentOptions, Hashable {
  /// Which tokens are compared.
  package enum Scope: String, Codable, Sendable, Hashable, CaseIterable {
    /// Those of one optimizer step.
    case minibatch
    /// Those of the whole batch.
    case batch
  }

  package var share = 1.0
  package var scope = Scope.minibatch

  /// All tokens.
  package init() {}

  /// The help for each option.
  package static let help = [
    "share": "the share of response tokens with the highest entropies that is trained on, the paper's: 0.2; 1 for all",
    "scope": "among which tokens: those of a minibatch, or of the batch",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    share > 0 && share <= 1 ? [] : [OptionProblem("share", "is \(share), it must lie above 0 and up to 1")]
  }

  /// Whether tokens are left out.
  var isOn: Bool { share < 1 }

  /// The least entropy of a token that is trained on; nil if there is no token.
  ///
  /// - Parameter entropies: Of all tokens that are trained on together, in any order.
  package func threshold(_ entropies: [Double]) -> Double? {
    if entropies.isEmpty { return nil }
    let sorted = entropies.sorted()
    let exact = Double(sorted.count - 1) * (1 - share)
    // 1 − share is rounded; a place that is a whole number but for that is that place.
    let place = abs(exact - exact.rounded()) < 1e-9 ? exact.rounded() : exact
    let low = Int(place.rounded(.down))
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
  }

  /// The examples with the tokens that are trained on, and the threshold.
  ///
  /// - Parameters:
  ///   - draws: How often each example is in what is trained on together; others stay as they are.
  func choose(
    _ examples: [Int: TrainingExample], draws: [Int: Int]
  ) -> (examples: [Int: TrainingExample], threshold: Double?) {
    let members = draws.keys.sorted()
    let entropies = members.flatMap { member in
      (0..<(draws[member] ?? 0)).flatMap { _ in examples[member]?.entropies ?? [] }
    }
    guard isOn, let threshold = threshold(entropies) else { return (examples, nil) }
    var chosen = examples
    for member in members { chosen[member] = examples[member]?.keeping { $0 >= threshold } }
    return (chosen, threshold)
  }
}

extension TrainingExample {
  /// The example with the tokens whose entropies are to be kept.
  fileprivate func keeping(_ isKept: (Double) -> Bool) -> TrainingExample {
    guard let entropies else { return self }
    return keeping(entropies.indices.filter { isKept(entropies[$0]) })
  }

  /// The example with some of the tokens that are trained on, by their places among these.
  ///
  /// - Parameter factor: What the advantages are multiplied by.
  func keeping(_ kept: [Int], factor: Double = 1) -> TrainingExample {
    func pick<Element>(_ values: [Element]) -> [Element] { kept.map { values[$0] } }
    return TrainingExample(
      prompt: prompt, tokens: tokens, trained: pick(trained), temperature: temperature,
      advantages: pick(advantages).map { $0 * factor }, advantage: advantage, sampled: sampled.map(pick),
      old: old.map(pick), reference: reference.map(pick), entropies: entropies.map(pick),
      contrast: contrast?.keeping(kept), lossWeight: lossWeight, isOfEarlierStep: isOfEarlierStep, isCutOff: isCutOff,
      longest: longest)
  }
}

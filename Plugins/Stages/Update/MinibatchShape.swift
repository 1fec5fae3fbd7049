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

/// The shapes of a minibatch: one of all its responses, or one of those of the step and one of those replayed.
struct MinibatchShapes: Sendable {
  private let shapes: [MinibatchShape]
  /// The shape of each trajectory, and its position in it.
  private let places: [Int: (shape: Int, position: Int)]

  init(_ minibatch: Minibatch, _ examples: [Int: TrainingExample], _ options: UpdateStage.Options) {
    let members = minibatch.groups.flatMap(\.members)
    let longest = options.longest > 0 ? options.longest : members.compactMap { examples[$0]?.longest }.max() ?? 1
    func isOfEarlierStep(_ slot: Int) -> Bool { examples[slot]?.isOfEarlierStep ?? false }
    let parts =
      options.replayed.denominator == .joint
      ? [members] : [members.filter { !isOfEarlierStep($0) }, members.filter(isOfEarlierStep)]
    var places: [Int: (shape: Int, position: Int)] = [:]
    for (shape, part) in parts.enumerated() {
      for (position, slot) in part.enumerated() { places[slot] = (shape, position) }
    }
    self.places = places
    shapes = parts.map { part in
      MinibatchShape(
        tokenCounts: part.map { examples[$0]?.trained.count ?? 0 }, draws: part.map { minibatch.draws[$0] ?? 0 },
        longest: longest)
    }
  }

  /// The factor of the loss of each token of a trajectory; see ``MinibatchShape/weight(ofResponse:_:lossWeight:)``.
  func weight(of slot: Int, _ aggregation: LossAggregation, lossWeight: Double = 1) -> Double {
    guard let (shape, position) = places[slot] else { return 0 }
    return shapes[shape].weight(ofResponse: position, aggregation, lossWeight: lossWeight)
  }
}

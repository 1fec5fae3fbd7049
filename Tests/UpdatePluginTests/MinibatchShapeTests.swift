// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing
import UpdatePlugin

@Suite("Minibatch shapes", .timeLimit(.minutes(15)))
struct MinibatchShapeTests {
  private let shape = MinibatchShape(tokenCounts: [4, 1, 0], draws: [1, 3, 1], longest: 10)

  private static let examples: [(LossAggregation, [Double])] = [
    (.tokenMean, [0.14285714285714285, 0.42857142857142855, 0]),
    (.sequenceMeanTokenMean, [0.05, 0.6, 0]),
    (.sequenceMeanTokenSum, [0.2, 0.6, 0]),
    (.sequenceMeanTokenSumNorm, [0.02, 0.06, 0]),
  ]

  @Test("a token weighs what the aggregation says, all draws together", arguments: examples)
  func weights(_ aggregation: LossAggregation, _ expected: [Double]) {
    #expect(shape.tokenCount == 7 && shape.responseCount == 5)
    #expect((0..<3).map { shape.weight(ofResponse: $0, aggregation) } == expected)
  }

  @Test("loss_weight multiplies, and leaves the denominators alone")
  func lossWeight() {
    #expect(shape.weight(ofResponse: 0, .tokenMean, lossWeight: 2) == 2.0 / 7)
    #expect(shape.weight(ofResponse: 1, .tokenMean) == 3.0 / 7)
  }

  @Test("nothing to train on weighs nothing")
  func empty() {
    for aggregation in LossAggregation.allCases {
      let none = MinibatchShape(tokenCounts: [0, 3], draws: [2, 0], longest: 1)
      #expect((0..<2).map { none.weight(ofResponse: $0, aggregation) } == [0, 0])
      #expect(MinibatchShape(tokenCounts: [], draws: [], longest: 1).tokenCount == 0)
    }
  }

  /// All minibatches of up to three responses with up to three tokens and up to two draws each.
  private var minibatches: [MinibatchShape] {
    let slots: [(Int, Int)] = (0...3).flatMap { count in (0...2).map { (count, $0) } }
    var lists: [[(Int, Int)]] = [[]]
    var all: [MinibatchShape] = []
    for _ in 0..<3 {
      lists = lists.flatMap { list in slots.map { list + [$0] } }
      all += lists.map { MinibatchShape(tokenCounts: $0.map(\.0), draws: $0.map(\.1), longest: 3) }
    }
    return all
  }

  @Test("over all tokens, weights sum to 1, or to what the aggregation's sum is", arguments: LossAggregation.allCases)
  func sums(_ aggregation: LossAggregation) {
    for shape in minibatches {
      var sum = 0.0
      for (response, count) in shape.tokenCounts.enumerated() {
        sum += shape.weight(ofResponse: response, aggregation) * Double(count)
      }
      let drawn = zip(shape.tokenCounts, shape.draws)
      let responses = Double(max(1, shape.responseCount))
      let expected =
        switch aggregation {
        case .tokenMean: shape.tokenCount > 0 ? 1.0 : 0
        case .sequenceMeanTokenMean: Double(drawn.reduce(0) { $0 + ($1.0 > 0 ? $1.1 : 0) }) / responses
        case .sequenceMeanTokenSum: Double(shape.tokenCount) / responses
        case .sequenceMeanTokenSumNorm: Double(shape.tokenCount) / (responses * 3)
        }
      #expect(abs(sum - expected) < 1e-14, "\(shape)")
    }
  }

  @Test("a response drawn twice weighs what two copies do", arguments: LossAggregation.allCases)
  func copies(_ aggregation: LossAggregation) {
    for shape in minibatches {
      let slots = shape.draws.enumerated().flatMap { index, draws in Array(repeating: index, count: draws) }
      let apart = MinibatchShape(
        tokenCounts: slots.map { shape.tokenCounts[$0] }, draws: slots.map { _ in 1 }, longest: 3)
      for response in shape.draws.indices {
        let sum = slots.indices.filter { slots[$0] == response }
          .reduce(0) { $0 + apart.weight(ofResponse: $1, aggregation) }
        #expect(abs(sum - shape.weight(ofResponse: response, aggregation)) < 1e-15, "\(shape)")
      }
    }
  }
}

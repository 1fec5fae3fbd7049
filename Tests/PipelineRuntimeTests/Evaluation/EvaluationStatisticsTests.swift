// SPDX-License-Identifier: Apache-2.0
import PipelineRuntime
import Testing

/// Literals without a hand's computation beside them are those of statsmodels 0.15.0 with NumPy 2.4.6.
@Suite("Statistics of evaluations", .timeLimit(.minutes(15)))
struct EvaluationStatisticsTests {
  /// The means of ten questions with eight responses each.
  static let means = [0, 0.125, 0.5, 0.5, 0.75, 1, 1, 0.25, 0.375, 0.875]

  private func near(_ a: Double, _ b: Double, _ tolerance: Double = 1e-12) -> Bool { abs(a - b) <= tolerance }

  @Test(
    "Wilson's interval is that of statsmodels, and exact at its ends",
    arguments: [
      // proportion_confint(count, n, method="wilson")
      (0, 10, 0.0, 0.27753279986288926), (10, 10, 0.7224672001371106, 1.0), (1, 1, 0.2065493143772374, 1.0),
      (7, 20, 0.18119182410108203, 0.5671457233147638), (130, 300, 0.3784513181454693, 0.48990107801780347),
      (0, 1319, 0.0, 0.002903944985303655),
    ])
  func wilson(_ right: Int, _ count: Int, _ low: Double, _ high: Double) {
    let interval = ConfidenceInterval(share: Double(right) / Double(count), count: Double(count))
    #expect(near(interval.low, low))
    #expect(near(interval.high, high))
    if right == 0 { #expect(interval.low == 0) }
    if right == count { #expect(interval.high == 1) }
  }

  @Test("one response to each question is the plain interval of a share", arguments: [0, 1, 7, 19, 20])
  func single(_ right: Int) {
    let means = (0..<20).map { $0 < right ? 1.0 : 0 }
    #expect(ConfidenceInterval.effectiveCount(ofMeans: means, responses: 20) == 20)
    #expect(
      ConfidenceInterval(ofMeans: means, responses: 20)
        == ConfidenceInterval(share: Double(right) / 20, count: 20))
  }

  @Test("several responses to each question count as many as their standard error says")
  func clustered() throws {
    // p = 0.5375 and s² = 0.128645833…; p(1 − p) / (s² / 10). OLS on a constant with standard errors robust to clusters
    // by question gives 0.11342215, whose square is s² / 10.
    let count = ConfidenceInterval.effectiveCount(ofMeans: Self.means, responses: 80)
    #expect(near(count, 19.32388663967611))
    #expect(near(0.5375 * 0.4625 / count, 0.11342215 * 0.11342215, 1e-8))
    let interval = try #require(ConfidenceInterval(ofMeans: Self.means, responses: 80))
    #expect(near(interval.low, 0.32814989627647356))
    #expect(near(interval.high, 0.734413016953336))
  }

  @Test("responses count at most one each, and at least one a question")
  func limits() {
    let even = [Double](repeating: 0.5, count: 12)
    #expect(ConfidenceInterval.effectiveCount(ofMeans: even, responses: 48) == 48)
    #expect(ConfidenceInterval.effectiveCount(ofMeans: [0, 1], responses: 16) == 2)
    for value in [0.0, 1] {
      let same = [Double](repeating: value, count: 12)
      #expect(ConfidenceInterval.effectiveCount(ofMeans: same, responses: 96) == 12)
    }
    #expect(ConfidenceInterval.effectiveCount(ofMeans: [0.25], responses: 8) == 1)
    #expect(ConfidenceInterval(ofMeans: [], responses: 0) == nil)
  }

  @Test("scores beyond 0…1 have an interval of 1.96 standard errors, from two questions on")
  func unbounded() throws {
    let interval = try #require(ConfidenceInterval(ofMeans: [0, 2, 2, 4, 2, 2, 0, 4, 2], responses: 9))
    // Mean 2, squared deviations 16 over 8 is 2, over 9 questions: sqrt(2 / 9).
    let half = 1.959963984540054 * (2.0 / 9).squareRoot()
    #expect(near(interval.low, 2 - half))
    #expect(near(interval.high, 2 + half))
    #expect(ConfidenceInterval(ofMeans: [1.5], responses: 8) == nil)
  }

  @Test("the interval covers the truth about as often as it says")
  func coverage() {
    // Questions are right with probability 0.2 or 0.8, so 0.5 in the mean; 60 of them, 4 responses each.
    var state: UInt64 = 42
    func uniform() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / 9_007_199_254_740_992
    }
    let trials = 2000
    var covered = 0
    for _ in 0..<trials {
      let means = (0..<60).map { _ in
        let chance = uniform() < 0.5 ? 0.2 : 0.8
        return Double((0..<4).count { _ in uniform() < chance }) / 4
      }
      let interval = ConfidenceInterval(ofMeans: means, responses: 240)
      covered += interval.map { $0.low <= 0.5 && 0.5 <= $0.high } == true ? 1 : 0
    }
    // 95 % ± 3 standard errors of 2000 draws is 93.5 to 96.5 %; taking responses for independent covers 83 %.
    #expect((0.935...0.965).contains(Double(covered) / Double(trials)))
  }

  @Test("pass@k is the share of choices with a right response", arguments: 1...7)
  func passAtK(_ responses: Int) {
    for right in 0...responses {
      for k in 1...responses {
        // Every choice of k responses as a set of bits; the first `right` responses are right.
        let choices = (0..<(1 << responses)).filter { $0.nonzeroBitCount == k }
        let hits = choices.count { $0 & ((1 << right) - 1) != 0 }
        let expected = Double(hits) / Double(choices.count)
        #expect(near(PassAtK.estimate(k, responses: responses, right: right), expected))
      }
    }
  }

  @Test("pass@k of many responses neither overflows nor drifts")
  func manyResponses() {
    // 1 − C(187, 100) / C(200, 100) and 1 − C(187, 4) / C(200, 4), in integers.
    #expect(near(PassAtK.estimate(100, responses: 200, right: 13), 0.9999194971988055))
    #expect(near(PassAtK.estimate(4, responses: 200, right: 13), 0.23734238026001409))
    #expect(PassAtK.estimate(1, responses: 65536, right: 16384) == 0.25)
  }

  @Test("k doubles, up to the number of responses")
  func sizes() {
    #expect(PassAtK.sizes(upTo: 0) == [])
    #expect(PassAtK.sizes(upTo: 1) == [1])
    #expect(PassAtK.sizes(upTo: 6) == [1, 2, 4, 6])
    #expect(PassAtK.sizes(upTo: 8) == [1, 2, 4, 8])
  }
}

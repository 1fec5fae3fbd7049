// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineRuntime
import Testing

@Suite("The statistics of a study", .timeLimit(.minutes(15)))
struct SampleStatisticsTests {
  private func isNear(_ left: Double, _ right: Double, _ bound: Double = 1e-12) -> Bool {
    abs(left - right) <= bound * max(1, abs(right))
  }

  /// From scipy.stats.t.ppf of SciPy 1.17.
  @Test(
    "quantiles of Student's t are SciPy's",
    arguments: [
      (1, 12.706204736174694, 1.3763819204711738), (2, 4.302652729749462, 1.0606601717798214),
      (3, 3.1824463052837078, 0.9784723123633042), (4, 2.7764451051977934, 0.9409645772351816),
      (7, 2.364624251592784, 0.8960296443137653), (30, 2.0422724563012378, 0.8537672614712979),
      (100, 1.9839715185235518, 0.8452304244910163),
    ])
  func quantiles(_ degrees: Int, _ upper: Double, _ power: Double) {
    // The sums have at most 50 terms, and the tables that many digits.
    #expect(isNear(StudentT.quantile(0.975, degrees: degrees), upper, 1e-11))
    #expect(isNear(StudentT.quantile(0.8, degrees: degrees), power, 1e-11))
  }

  @Test("mean, deviation and t interval of five differences, by hand")
  func interval() throws {
    // Sum 0.15; squares of the deviations 4, 1, 16, 0 and 9 times 1e-4; s = √(30e-4 / 4); 2.776445 · s / √5 = 0.0340044.
    let sample = try #require(SampleStatistics([0.05, 0.02, -0.01, 0.03, 0.06]))
    #expect(isNear(sample.mean, 0.03))
    let deviation = try #require(sample.deviation)
    #expect(isNear(deviation, 0.027386127875258306))
    let found = try #require(sample.tInterval)
    #expect(isNear(found.low, -0.004004369032912784))
    #expect(isNear(found.high, 0.06400436903291279))
  }

  @Test("the bootstrap of two or three numbers reaches from the least to the greatest")
  func small() throws {
    // All draws are the least number with a chance of 1/4 or 1/27, more than the 2.5 % that are cut off.
    for values in [[0.5, -0.25], [0.5, -0.25, 1]] {
      let found = try #require(SampleStatistics(values)?.bootstrapInterval)
      #expect(found == ConfidenceInterval(low: -0.25, high: values.max() ?? 0))
    }
  }

  /// `numpy.percentile` of 10,000 means, drawn with `numpy.random.Philox(key=[0, fnv1a("experiment-bootstrap")], counter=[0, r, 0,
  /// 0])`.
  @Test("the bootstrap of eight numbers is NumPy's with the same draws, each time")
  func bootstrap() throws {
    let sample = try #require(SampleStatistics([0.0513, 0.0217, -0.0131, 0.0334, 0.0602, 0.0178, -0.0045, 0.0290]))
    let found = try #require(sample.bootstrapInterval)
    #expect(isNear(found.low, 0.00795))
    #expect(isNear(found.high, 0.04041343749999999))
    #expect(sample.bootstrapInterval == found)
  }

  @Test("one number has a mean and nothing else, no number nothing at all")
  func few() throws {
    let one = try #require(SampleStatistics([2]))
    #expect(one.mean == 2)
    #expect(one.deviation == nil && one.tInterval == nil && one.bootstrapInterval == nil)
    #expect(SampleStatistics([]) == nil)
    #expect(DetectableDifference.of(deviation: 1, seeds: 1) == nil)
  }

  @Test("the least difference that is likely to be found: (2.364624 + 0.896030) · 0.05 / √8")
  func detectable() throws {
    let least = try #require(DetectableDifference.of(deviation: 0.05, seeds: 8))
    #expect(isNear(least, 0.057640762022446404, 1e-11))
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineCore
import Testing

@Suite("value tallies and histograms", .timeLimit(.minutes(15)))
struct ValueTallyTests {
  static func tally(_ values: [Double]) -> ValueTally {
    var tally = ValueTally()
    for value in values { tally.add(value) }
    return tally
  }

  @Test("moments and quantiles are those of the values")
  func moments() {
    let tally = Self.tally([4, 1, 3, 2])
    #expect(tally.mean == 2.5)
    #expect(tally.standardDeviation == (5.0 / 3).squareRoot())
    #expect([0, 0.25, 0.5, 0.75, 1].map { tally.quantile($0) } == [1, 1, 2, 3, 4])
    #expect(Self.tally([]).quantile(0.5) == nil)
    #expect(Self.tally([7]).standardDeviation == nil)
    #expect(Self.tally([0, -0.0]).distinct?.count == 1)
  }

  @Test("a mean that only rounding keeps from 0 reads as 0")
  func plainMean() {
    let tally = Self.tally([0.1, 0.2, -0.3])
    #expect(tally.mean != 0)
    #expect(tally.plainMean == 0)
    #expect(Self.tally([1e-9, 1e-9]).plainMean == 1e-9)
    #expect(Self.tally([]).plainMean == 0)
  }

  @Test("many different values stay within bounds, counts and quantiles near the truth")
  func bounded() {
    var generator = PhiloxGenerator(seed: 1, purpose: "test", position: (0, 0, 0))
    let values = (0..<50_000).map { _ in Double(generator.next() >> 11) / Double(1 << 53) } + [1e12, -1e12]
    let tally = Self.tally(values)
    let sorted = values.sorted()
    #expect(!tally.isExact)
    #expect(tally.sortedCells.count <= 2 * ValueTally.exactLimit)
    #expect(tally.sortedCells.reduce(0) { $0 + $1.count } == values.count)
    for share in [0.01, 0.25, 0.5, 0.95] {
      let truth = sorted[Int((share * Double(values.count)).rounded(.up)) - 1]
      #expect(abs((tally.quantile(share) ?? -1) - truth) < 0.01)
    }
  }

  @Test(
    "bins have round edges, hold their lower edge, and hold every value",
    arguments: [
      ([0.1, 0.2, 0.3, 0.7], 4, ["0 to <0.2 1", "0.2 to <0.4 2", "0.4 to <0.6 0", "0.6 to <0.8 1"]),
      ([3.0, 3, 4], 10, ["3 2", "4 1"]),
      ([10.0, 29, 30], 2, ["10 to 19 1", "20 to 29 1", "30 to 39 1"]),
      ([5.0], 10, ["5 1"]),
      ([0.5], 10, ["0.5 to <0.6 1"]),
    ])
  func bins(values: [Double], limit: Int, expected: [String]) {
    let histogram = Histogram(Self.tally(values), limit: limit)
    let shown = zip(histogram.labels(TerminalStyle()), histogram.bins).map { "\($0) \($1.count)" }
    #expect(shown == expected)
  }

  @Test("a lone outlier stands in an open bin and does not flatten the others")
  func outlier() {
    let values = (0..<1000).map { Double($0 % 10) } + [1e9]
    let histogram = Histogram(Self.tally(values), limit: 10)
    #expect(histogram.labels(TerminalStyle()).last == "≥ 10" || histogram.bins.last?.upper == nil)
    #expect(histogram.bins.count == 11)
    #expect(histogram.bins.reduce(0) { $0 + $1.count } == 1001)
  }

  @Test(
    "numbers as people read them",
    arguments: [
      (0.0, "0"), (1, "1"), (-0.25, "-0.25"), (1234567, "1,234,567"), (0.123456, "0.1235"),
      (12.3456, "12.35"),
      (1e-7, "1e-7"), (2.5e20, "2.5e20"), (-3.2e-9, "-3.2e-9"), (99999.9, "100,000"),
    ])
  func numbers(value: Double, text: String) { #expect(NumberText.short(value) == text) }

  @Test(
    "shares never round to none or all",
    arguments: [
      (0.0, "0 %"), (1, "100 %"), (0.0001, "<0.1 %"), (0.9999, ">99.9 %"), (0.032, "3.2 %"), (0.5, "50 %"),
      (0.995, "99.5 %"),
    ])
  func shares(share: Double, text: String) { #expect(NumberText.percent(share) == text) }

  @Test("wide letters take two columns and marks none")
  func widths() {
    #expect(TextWidth.columns("日本e\u{301}") == 5)
    #expect(TextWidth.fit("abcdefghij", 5, TerminalStyle()) == "ab…ij")
    #expect(TextWidth.columns("\u{1B}[31mred\u{1B}[0m") == 3)
  }
}

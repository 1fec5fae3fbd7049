// SPDX-License-Identifier: Apache-2.0

extension Page {
  /// Mean, standard deviation, minimum, median and maximum in a line.
  func moments(_ tally: ValueTally) -> String {
    guard tally.count > 0 else { return "" }
    let deviation = tally.standardDeviation.map { ", std " + NumberText.short($0) } ?? ""
    return "mean \(NumberText.short(tally.plainMean))\(deviation), min \(NumberText.short(tally.least)), "
      + "median \(tally.quantile(0.5).map { NumberText.short($0) } ?? "-"), max \(NumberText.short(tally.greatest))"
  }

  /// Individual values if there are few, otherwise bins, with the most frequent values named.
  mutating func distribution(_ tally: ValueTally, limit: Int) {
    guard tally.count > 0 else { return }
    if let distinct = tally.distinct, distinct.count <= limit {
      return bars(distinct.map { (NumberText.short($0.value), $0.count) }, whole: tally.count)
    }
    histogram(tally, limit: limit)
    guard let distinct = tally.distinct else { return }
    let frequent = distinct.sorted { ($0.count, $1.value) > ($1.count, $0.value) }.prefix(3)
      .filter { $0.count * 10 >= tally.count }
    if !frequent.isEmpty {
      let named = frequent.map {
        "\(NumberText.short($0.value)) (\(NumberText.percent($0.count, of: tally.count)))"
      }
      remark(
        "\(NumberText.count(distinct.count)) different values, most often \(named.joined(separator: ", "))")
    }
  }

  /// Bins of equal width.
  mutating func histogram(_ tally: ValueTally, limit: Int, unit: String = "") {
    let histogram = Histogram(tally, limit: limit)
    bars(zip(histogram.labels(style), histogram.bins).map { ($0 + unit, $1.count) }, whole: tally.count)
  }
}

extension ValueTally {
  /// Counts in bins of equal width from the minimum to the maximum, both ends included.
  func evenBins(_ number: Int) -> [Int] {
    var bins = [Int](repeating: 0, count: max(1, number))
    let extent = greatest - least
    for (value, count) in sortedCells {
      let share = extent > 0 ? (value - least) / extent : 0
      bins[min(bins.count - 1, max(0, Int(share * Double(bins.count))))] += count
    }
    return bins
  }
}

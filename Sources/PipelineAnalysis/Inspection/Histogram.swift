// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Counts of values in bins of equal width whose edges are round numbers.
///
/// A bin includes its lower edge and not its upper one. If fewer than one value in two hundred at either end would
/// stretch the bins over three times the range of the others, those values get an open bin of their own.
package struct Histogram: Sendable {
  /// A bin; an end without an edge is open.
  package struct Bin: Sendable, Equatable {
    package var lower: Double?
    package var upper: Double?
    package var count: Int
  }

  package private(set) var bins: [Bin] = []
  private let isIntegral: Bool

  /// Bins the values of a tally, in at most about `limit` bins.
  package init(_ tally: ValueTally, limit: Int) {
    isIntegral = tally.isIntegral
    guard tally.count > 0, let low = tally.quantile(0.005), let high = tally.quantile(0.995) else { return }
    let isTrimmed = high > low && tally.greatest - tally.least > 3 * (high - low)
    let range = isTrimmed ? low...high : tally.least...tally.greatest
    let (step, exponent) = Self.roundStep((range.upperBound - range.lowerBound) / Double(limit), isIntegral)
    let width = Double(step) * pow(10, Double(exponent))
    func edge(_ index: Int) -> Double {
      let steps = Double(index) * Double(step)
      return exponent >= 0 ? steps * pow(10, Double(exponent)) : steps / pow(10, Double(-exponent))
    }
    func index(_ value: Double) -> Int {
      var index = Int(max(-1e15, min(1e15, (value / width).rounded(.down))))
      if value < edge(index) { index -= 1 }
      if value >= edge(index + 1) { index += 1 }
      return index
    }
    let first = index(range.lowerBound)
    let last = min(index(range.upperBound), first + 2 * limit)
    bins = (first...max(first, last)).map { Bin(lower: edge($0), upper: edge($0 + 1), count: 0) }
    var below = 0
    var above = 0
    for (value, count) in tally.sortedCells {
      let index = index(value)
      if index < first {
        below += count
      } else if index > last {
        above += count
      } else {
        bins[index - first].count += count
      }
    }
    if below > 0 { bins.insert(Bin(lower: nil, upper: bins[0].lower, count: below), at: 0) }
    if above > 0 { bins.append(Bin(lower: bins[bins.count - 1].upper, upper: nil, count: above)) }
  }

  /// The name of each bin: `0.5 to <1`, and for integers `120 to 139`, both ends included.
  package func labels(_ style: TerminalStyle) -> [String] {
    bins.map { bin in
      switch (bin.lower, bin.upper) {
      case (let lower?, let upper?):
        if isIntegral, upper - lower == 1 { return NumberText.short(lower) }
        return NumberText.short(lower) + (isIntegral ? " to " : " to <")
          + NumberText.short(isIntegral ? upper - 1 : upper)
      case (nil, let upper?): return "< " + NumberText.short(upper)
      case (let lower?, nil): return style.sign("≥ ", ">= ") + NumberText.short(lower)
      case (nil, nil): return "all"
      }
    }
  }

  /// The bins as JSON: `{"from": …, "to": …, "count": …}`, null for an open end.
  var bounds: [(from: Double?, to: Double?, count: Int)] { bins.map { ($0.lower, $0.upper, $0.count) } }

  /// 1, 2 or 5 times a power of ten, at least `width`; whole numbers for integers.
  private static func roundStep(_ width: Double, _ isIntegral: Bool) -> (step: Int, exponent: Int) {
    guard width > 0, width.isFinite else { return (1, isIntegral ? 0 : -1) }
    var exponent = Int(log10(width).rounded(.down))
    if isIntegral, exponent < 0 { return (1, 0) }
    for step in [1, 2, 5] where Double(step) * pow(10, Double(exponent)) >= width * (1 - 1e-9) {
      return (step, exponent)
    }
    exponent += 1
    return (1, exponent)
  }
}

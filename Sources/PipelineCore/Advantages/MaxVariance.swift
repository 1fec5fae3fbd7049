// SPDX-License-Identifier: Apache-2.0

/// Chooses the `n` of some numbers whose variance is largest.
///
/// Such a choice consists of the `a` smallest and the `n − a` largest for some `a`; all are tried, with running sums, so
/// that the sort is the longest part of the work. Choices are compared by `n·Σr² − (Σr)²`; those within
/// `1e-12 · max(1, n·Σr²)` of one another are equal, and the one with the larger sum wins. Of equal numbers the first in
/// the order of the input are kept.
///
/// Source: PODS, "max-variance down-sampling".
// Differs from PODS' third-party program: sums in double precision with a tolerance decide ties by the sum; there the
// rounding of float32 does.
package struct MaxVariance: Sendable, Hashable {
  /// The places of the kept numbers, ascending.
  package let kept: [Int]
  /// Their population variance.
  package let variance: Double
  /// That of all numbers.
  package let wholeVariance: Double
  /// Whether all numbers are equal.
  package let isConstant: Bool

  /// Chooses from finite numbers.
  ///
  /// - Parameter count: How many are kept.
  /// - Precondition: It lies in 1 … the number of values.
  package init(_ values: [Double], keeping count: Int) {
    precondition(
      (1...max(1, values.count)).contains(count) && !values.isEmpty, "something is kept, and no more than there is")
    // The mean drops out of the variance; without it, large numbers do not cancel.
    let centre = values.reduce(0, +) / Double(values.count)
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    let sorted = order.map { values[$0] - centre }
    var sums = [0.0]
    var squares = [0.0]
    for value in sorted {
      sums.append((sums.last ?? 0) + value)
      squares.append((squares.last ?? 0) + value * value)
    }
    var best = (low: 0, spread: -Double.infinity, sum: -Double.infinity)
    for low in 0...count {
      let high = values.count - (count - low)
      let sum = sums[low] + sums[values.count] - sums[high]
      let square = squares[low] + squares[values.count] - squares[high]
      let spread = Double(count) * square - sum * sum
      let tolerance = 1e-12 * max(1, Double(count) * square)
      if spread > best.spread + tolerance || (abs(spread - best.spread) <= tolerance && sum > best.sum) {
        best = (low, max(spread, best.spread), sum)
      }
    }
    let chosen = order.prefix(best.low) + order.suffix(count - best.low)
    kept = Self.first(of: chosen.map { $0 }, values)
    isConstant = sorted.first == sorted.last
    variance = Self.variance(kept.map { values[$0] })
    wholeVariance = Self.variance(values)
  }

  /// As many of each value as were chosen, the first in order.
  private static func first(of chosen: [Int], _ values: [Double]) -> [Int] {
    var left: [Double: Int] = [:]
    for place in chosen { left[values[place], default: 0] += 1 }
    return values.indices.filter { place in
      guard let count = left[values[place]], count > 0 else { return false }
      left[values[place]] = count - 1
      return true
    }
  }

  private static func variance(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
  }
}

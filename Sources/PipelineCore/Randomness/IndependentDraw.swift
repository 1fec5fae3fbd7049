// SPDX-License-Identifier: Apache-2.0

/// Draws units one by one with probabilities in proportion to their weights, each time from all.
///
/// A number `u` in 0…1 draws the first unit whose cumulative weight exceeds `u` times the sum.
package struct IndependentDraw {
  /// The sums of the weights up to and including each unit.
  private let sums: [Double]

  /// Prepares draws of units with these weights, which must be finite and not negative, and not all 0.
  package init(weights: [Double]) {
    var sum = 0.0
    sums = weights.map { weight in
      sum += weight
      return sum
    }
  }

  /// The indices of `count` units, in the order in which they were drawn.
  ///
  /// Takes one number from `random` for each.
  package func draw(_ count: Int, using random: inout PhiloxGenerator) -> [Int32] {
    let total = sums.last ?? 0
    // A product that rounds up to the sum draws the last unit that has a weight.
    let last = sums.firstIndex(of: total) ?? 0
    return (0..<count).map { _ in
      let target = PhiloxGenerator.uniform(from: random.next()) * total
      var low = 0
      var high = last
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] > target { high = middle } else { low = middle + 1 }
      }
      return Int32(low)
    }
  }
}

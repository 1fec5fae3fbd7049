// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A tally of numbers: their moments are exact, and so is their distribution as long as few of them differ.
///
/// Up to 4,096 different values are counted individually. Beyond that, values are counted in cells of a decimal grid
/// (0.001, 0.01, …) that is fine enough for thousands of cells, and becomes ten times coarser whenever 8,192 are in
/// use. This bounds the memory. Zeros of either sign are one value.
package struct ValueTally: Sendable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  private(set) var least = Double.infinity
  private(set) var greatest = -Double.infinity
  /// Whether no value has a fraction.
  private(set) var isIntegral = true
  private var squares = 0.0
  private var cells: [Double: Int] = [:]
  /// The grid, as a power of ten; nil while values are counted individually.
  private var exponent: Int?

  package static let exactLimit = 4096

  /// Nothing has been counted yet.
  package init() {}

  /// Counts a finite value.
  package mutating func add(_ value: Double) {
    let value = value == 0 ? 0 : value
    count += 1
    let difference = value - mean
    mean += difference / Double(count)
    squares += difference * (value - mean)
    least = min(least, value)
    greatest = max(greatest, value)
    isIntegral = isIntegral && value == value.rounded()
    cells[exponent.map { Self.cell(of: value, exponent: $0) } ?? value, default: 0] += 1
    if exponent == nil, cells.count > Self.exactLimit {
      regrid(Self.finestExponent(extent: greatest - least))
    }
    while let exponent, cells.count > 2 * Self.exactLimit { regrid(exponent + 1) }
  }

  /// The mean for display: 0 if it differs from 0 only by rounding.
  package var plainMean: Double { abs(mean) < 1e-12 * max(abs(least), abs(greatest)) ? 0 : mean }

  /// The standard deviation with n − 1; nil for fewer than two values.
  package var standardDeviation: Double? { count < 2 ? nil : (squares / Double(count - 1)).squareRoot() }

  /// Whether every value was counted individually.
  package var isExact: Bool { exponent == nil }

  /// The different values, ascending, and how often each occurred; nil if that is no longer known.
  package var distinct: [(value: Double, count: Int)]? {
    exponent == nil ? cells.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } : nil
  }

  /// The value at a quantile (nearest rank); on a grid, the lower end of its cell.
  package func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, min(count, Int((share * Double(count)).rounded(.up))))
    if rank == count { return greatest }
    var passed = 0
    for (cell, number) in sortedCells {
      passed += number
      if passed >= rank { return max(least, cell) }
    }
    return greatest
  }

  /// The lower ends of the cells with their counts, ascending.
  package var sortedCells: [(value: Double, count: Int)] {
    cells.sorted { $0.key < $1.key }.map { (exponent.map { Self.edge($0) }?($0.key) ?? $0.key, $0.value) }
  }

  private mutating func regrid(_ new: Int) {
    var coarser: [Double: Int] = [:]
    for (key, number) in cells {
      // A cell of a coarser grid contains exactly ten of the finer one.
      let cell = exponent == nil ? Self.cell(of: key, exponent: new) : (key / 10).rounded(.down)
      coarser[cell, default: 0] += number
    }
    cells = coarser
    exponent = new
  }

  private static func finestExponent(extent: Double) -> Int {
    max(-300, min(300, Int(log10(max(extent, 1e-300) / Double(exactLimit)).rounded(.down))))
  }

  private static func cell(of value: Double, exponent: Int) -> Double {
    let scaled = exponent >= 0 ? value / pow(10, Double(exponent)) : value * pow(10, Double(-exponent))
    let nearest = scaled.rounded()
    // 0.3 is 299.999… thousandths in binary: a value that close to an edge is on it.
    return abs(scaled - nearest) <= 1e-9 * max(1, abs(nearest)) ? nearest : scaled.rounded(.down)
  }

  private static func edge(_ exponent: Int) -> (Double) -> Double {
    { exponent >= 0 ? $0 * pow(10, Double(exponent)) : $0 / pow(10, Double(-exponent)) }
  }
}

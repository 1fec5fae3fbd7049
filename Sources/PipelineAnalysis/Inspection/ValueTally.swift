// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Numbers as they come by: their moments exactly, their distribution exactly while few of them differ.
///
/// Up to 4,096 different values are counted one by one. From then on values fall into cells of a decimal grid
/// (0.001, 0.01, …) that is fine enough for thousands of cells, and coarser by ten whenever 8,192 are in use. Memory
/// is bounded by that. Zeros of either sign are one value.
package struct ValueTally: Sendable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  private(set) var least = Double.infinity
  private(set) var greatest = -Double.infinity
  /// Whether no value has a fraction.
  private(set) var isIntegral = true
  private var squares = 0.0
  private var cells: [Double: Int] = [:]
  /// The grid, as a power of ten; nil while values are counted one by one.
  private var exponent: Int?

  package static let exactLimit = 4096

  /// Nothing counted yet.
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

  /// The mean as people read it: 0 where only rounding keeps it from that.
  package var plainMean: Double { abs(mean) < 1e-12 * max(abs(least), abs(greatest)) ? 0 : mean }

  /// The standard deviation with n - 1; nil of fewer than two values.
  package var standardDeviation: Double? { count < 2 ? nil : (squares / Double(count - 1)).squareRoot() }

  /// Whether every value was counted by itself.
  package var isExact: Bool { exponent == nil }

  /// The different values, ascending, and how often each came; nil when that is no longer known.
  package var distinct: [(value: Double, count: Int)]? {
    exponent == nil ? cells.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } : nil
  }

  /// The value below or at which a share of the values lies (nearest rank); on a grid, the lower end of its cell.
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
      // A cell of a coarser grid holds ten of the finer one, whole.
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
    // 0.3 is 299.999… thousandths in binary: what is that near to an edge lies on it.
    return abs(scaled - nearest) <= 1e-9 * max(1, abs(nearest)) ? nearest : scaled.rounded(.down)
  }

  private static func edge(_ exponent: Int) -> (Double) -> Double {
    { exponent >= 0 ? $0 * pow(10, Double(exponent)) : $0 / pow(10, Double(-exponent)) }
  }
}

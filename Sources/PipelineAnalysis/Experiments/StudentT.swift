// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Student's t distribution with a whole number of degrees of freedom.
///
/// Its distribution function is a finite sum then, so that no library of special functions is needed.
///
/// Source: M. Abramowitz and I. A. Stegun, "Handbook of mathematical functions", 26.7.3 and 26.7.4.
package enum StudentT {
  /// The probability of |T| < t.
  ///
  /// - Parameters:
  ///   - t: At least 0.
  ///   - degrees: At least 1.
  package static func within(_ t: Double, degrees: Int) -> Double {
    let angle = atan(t / Double(degrees).squareRoot())
    let (sine, cosine) = (sin(angle), cos(angle))
    let isOdd = degrees % 2 == 1
    var term = isOdd ? cosine : 1
    var sum = degrees == 1 ? 0 : term
    for factor in stride(from: isOdd ? 2 : 1, through: degrees - 3, by: 2) {
      term *= cosine * cosine * Double(factor) / Double(factor + 1)
      sum += term
    }
    return isOdd ? (angle + sine * sum) * 2 / .pi : sine * sum
  }

  /// The value that T lies below with a probability.
  ///
  /// - Parameters:
  ///   - probability: Above 0.5 and below 1.
  ///   - degrees: At least 1.
  package static func quantile(_ probability: Double, degrees: Int) -> Double {
    let inside = 2 * probability - 1
    var (low, high) = (0.0, 1.0)
    while within(high, degrees: degrees) < inside, high < 1e9 { (low, high) = (high, high * 2) }
    // Each round halves the interval, down to neighbouring numbers.
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if within(middle, degrees: degrees) < inside { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

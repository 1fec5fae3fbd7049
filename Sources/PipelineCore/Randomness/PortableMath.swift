// SPDX-License-Identifier: Apache-2.0

/// Functions that give the same bits on every machine, which a C library does not promise: for choices that depend on them.
///
/// They use additions, multiplications, divisions and square roots alone, which IEEE 754 rounds in one way. Their error is
/// below 4 units in the last place.
public enum PortableMath {
  private static let logarithmOf2 = (high: 0x1.62e42feep-1, low: 0x1.a39ef35793c76p-33)

  /// The natural logarithm of a positive finite number.
  public static func log(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value == 0 ? -.infinity : value == .infinity ? value : .nan }
    var exponent = Int(value.exponent)
    var fraction = value.significand
    if fraction > 1.4142135623730951 {
      fraction /= 2
      exponent += 1
    }
    // log m = 2 artanh s with s = (m − 1) / (m + 1), |s| < 0.172: s²³ / 23 is below the last bit.
    let s = (fraction - 1) / (fraction + 1)
    let square = s * s
    var sum = 0.0
    for odd in stride(from: 25, through: 3, by: -2) { sum = (sum + 1 / Double(odd)) * square }
    let small = 2 * (s + s * sum)
    return Double(exponent) * logarithmOf2.high + (small + Double(exponent) * logarithmOf2.low)
  }

  /// `e` to the power of a finite number.
  public static func exp(_ value: Double) -> Double {
    if value > 709.78 { return .infinity }
    if value < -745.2 { return 0 }
    let count = (value / 0.6931471805599453).rounded()
    let rest = (value - count * logarithmOf2.high) - count * logarithmOf2.low
    // |rest| < 0.347: rest¹⁵ / 15! is below the last bit.
    var sum = 1.0
    for divisor in stride(from: 16, through: 1, by: -1) { sum = 1 + sum * rest / Double(divisor) }
    // In two steps: 2^count alone may be too large or too small for a Double.
    let half = Int(count) / 2
    return sum * Double(sign: .plus, exponent: half, significand: 1)
      * Double(sign: .plus, exponent: Int(count) - half, significand: 1)
  }

  /// The hyperbolic tangent.
  public static func tanh(_ value: Double) -> Double {
    if value.magnitude > 22 { return value < 0 ? -1 : 1 }
    if value.magnitude < 0.25 {
      // The difference of nearly equal numbers would lose digits: the quotient of two short series instead.
      let square = value * value
      var (sine, cosine) = (1.0, 1.0)
      for index in stride(from: 9, through: 1, by: -1) {
        sine = 1 + sine * square / Double(2 * index * (2 * index + 1))
        cosine = 1 + cosine * square / Double((2 * index - 1) * 2 * index)
      }
      return value * sine / cosine
    }
    let power = exp(2 * value.magnitude)
    let result = 1 - 2 / (power + 1)
    return value < 0 ? -result : result
  }
}

extension PhiloxGenerator {
  /// A standard normal number, by Marsaglia's polar method.
  public mutating func normal() -> Double {
    while true {
      let (x, y) = (2 * uniform() - 1, 2 * uniform() - 1)
      let square = x * x + y * y
      if square > 0, square < 1 { return x * (-2 * PortableMath.log(square) / square).squareRoot() }
    }
  }

  /// A number with the gamma distribution of scale 1, by Marsaglia and Tsang.
  ///
  /// Source: Marsaglia, Tsang, "A simple method for generating gamma variables" (2000).
  /// - Precondition: `shape` is at least 1.
  public mutating func gamma(shape: Double) -> Double {
    precondition(shape >= 1, "a shape of at least 1")
    let d = shape - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      if root <= 0 { continue }
      let v = root * root * root
      if PortableMath.log(uniform()) < 0.5 * x * x + d - d * v + d * PortableMath.log(v) { return d * v }
    }
  }

  /// A number with the beta distribution.
  ///
  /// - Precondition: Both parameters are at least 1.
  public mutating func beta(_ alpha: Double, _ beta: Double) -> Double {
    let x = gamma(shape: alpha)
    return x / (x + gamma(shape: beta))
  }
}

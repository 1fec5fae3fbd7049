// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Elementary functions, right to about 230 bits where the argument is.
///
/// The C library gives first guesses only, so its last bits do not show in any result.
extension WideFloat {
  /// The ratio of a circle's circumference to its diameter, by Machin's formula.
  static let pi: WideFloat = (inverseCotangent(5).scaled(by: 4) - inverseCotangent(239).scaled(by: 2))
  /// The natural logarithm of 2, as `2 · artanh(1/3)`.
  static let logarithmOf2: WideFloat = {
    var sum = WideFloat.zero
    var power = WideFloat(3).reciprocal
    let ninth = WideFloat(9).reciprocal
    for odd in stride(from: 1, to: 180, by: 2) {
      sum = sum + power / WideFloat(odd)
      power = power * ninth
    }
    return sum.scaled(by: 1)
  }()
  /// The base of the natural logarithm.
  static let e: WideFloat = exponential(of: .one)

  private static func inverseCotangent(_ value: Int) -> WideFloat {
    var sum = WideFloat.zero
    var power = WideFloat(value).reciprocal
    let step = -(power * power)
    for odd in stride(from: 1, to: 130, by: 2) {
      sum = sum + power / WideFloat(odd)
      power = power * step
    }
    return sum
  }

  private static let inverseFactorials: [WideFloat] = {
    var result = [WideFloat.one]
    for number in 1...40 { result.append(result[number - 1] / WideFloat(number)) }
    return result
  }()

  /// `e` to the power of a value whose magnitude lies below `2^40`.
  static func exponential(of value: WideFloat) -> WideFloat {
    if value.isZero { return .one }
    let count = (value.double / 0.693_147_180_559_945_3).rounded()
    let rest = (value - WideFloat(count) * logarithmOf2).scaled(by: -12)
    var sum = inverseFactorials[18]
    for term in stride(from: 17, through: 0, by: -1) { sum = sum * rest + inverseFactorials[term] }
    for _ in 0..<12 { sum = sum * sum }
    return sum.scaled(by: Int(count))
  }

  /// The natural logarithm of a positive value.
  static func logarithm(of value: WideFloat) -> WideFloat {
    // With the power of two apart, so that the guess is good for any exponent.
    let mantissa = value.scaled(by: -value.exponent)
    let guess = WideFloat(log(mantissa.double))
    let rest = mantissa * exponential(of: -guess) - .one
    var sum = WideFloat.zero
    for term in stride(from: 6, through: 1, by: -1) {
      let coefficient = WideFloat(term).reciprocal
      sum = (term % 2 == 1 ? coefficient : -coefficient) + sum * rest
    }
    return guess + sum * rest + WideFloat(value.exponent) * logarithmOf2
  }

  /// The cosine and the sine of a value whose magnitude lies below `2^40`.
  static func cosineAndSine(of value: WideFloat) -> (cosine: WideFloat, sine: WideFloat) {
    if value.isZero { return (.one, .zero) }
    let quarter = pi.scaled(by: -1)
    let count = (value.double / 1.570_796_326_794_896_6).rounded()
    let rest = (value - WideFloat(count) * quarter).scaled(by: -8)
    let square = -(rest * rest)
    // One less than the cosine, so that doubling loses no bits.
    var versed = WideFloat.zero
    var sine = WideFloat.zero
    for term in stride(from: 15, through: 1, by: -1) {
      versed = versed * square + inverseFactorials[2 * term]
      sine = sine * square + inverseFactorials[2 * term + 1]
    }
    versed = versed * square
    sine = (sine * square + .one) * rest
    for _ in 0..<8 {
      let newVersed = -(sine * sine).scaled(by: 1)
      sine = (sine * (versed + .one)).scaled(by: 1)
      versed = newVersed
    }
    let cosine = versed + .one
    switch Int(count) & 3 {
    case 0: return (cosine, sine)
    case 1: return (-sine, cosine)
    case 2: return (-cosine, -sine)
    default: return (sine, -cosine)
    }
  }

  /// The angle of the point (`x`, `y`), in `(−π, π]`; the point must not be the origin.
  static func angle(x: WideFloat, y: WideFloat) -> WideFloat {
    if y.isZero { return x.isNegative ? pi : .zero }
    // Scaled alike, so that both fit a Double.
    let scale = -max(x.isZero ? y.exponent : x.exponent, y.exponent)
    let (x, y) = (x.scaled(by: scale), y.scaled(by: scale))
    if x.isZero { return y.isNegative ? -pi.scaled(by: -1) : pi.scaled(by: -1) }
    let guess = WideFloat(atan2(y.double, x.double))
    let (cosine, sine) = cosineAndSine(of: guess)
    let tangent = (y * cosine - x * sine) / (x * cosine + y * sine)
    let square = -(tangent * tangent)
    var sum = WideFloat.zero
    for odd in stride(from: 9, through: 1, by: -2) { sum = sum * square + WideFloat(odd).reciprocal }
    return guess + sum * tangent
  }
}

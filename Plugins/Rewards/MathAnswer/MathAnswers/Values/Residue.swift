// SPDX-License-Identifier: Apache-2.0

/// A fraction modulo two primes, in which rational arithmetic is exact and of constant size.
///
/// Equal fractions always have equal residues. Different ones that were not made for these primes have different
/// residues but for one case in about `2^122`.
struct Residue {
  var numerator: Remainder
  var denominator: Remainder

  static let zero = Residue(numerator: .zero, denominator: .one)
  static let one = Residue(numerator: .one, denominator: .one)

  static func + (left: Residue, right: Residue) -> Residue {
    if left.denominator == .one, right.denominator == .one {
      return Residue(numerator: left.numerator + right.numerator, denominator: .one)
    }
    return Residue(
      numerator: left.numerator * right.denominator + right.numerator * left.denominator,
      denominator: left.denominator * right.denominator)
  }

  static func * (left: Residue, right: Residue) -> Residue {
    Residue(numerator: left.numerator * right.numerator, denominator: left.denominator * right.denominator)
  }

  static prefix func - (value: Residue) -> Residue {
    Residue(numerator: .zero - value.numerator, denominator: value.denominator)
  }

  /// One divided by the fraction, or nil when that is zero.
  var reciprocal: Residue? {
    numerator.hasZero ? nil : Residue(numerator: denominator, denominator: numerator)
  }

  /// The fraction to a power; nil for a negative power of zero.
  func power(_ exponent: Int) -> Residue? {
    guard let base = exponent < 0 ? reciprocal : self else { return nil }
    let magnitude = exponent.magnitude
    return Residue(
      numerator: base.numerator.power(magnitude),
      denominator: base.denominator == .one ? .one : base.denominator.power(magnitude))
  }

  /// Whether both are the same fraction; denominators that vanish modulo a prime make them different.
  static func == (left: Residue, right: Residue) -> Bool {
    !left.denominator.hasZero && !right.denominator.hasZero
      && left.numerator * right.denominator == right.numerator * left.denominator
  }
}

/// The remainders of a whole number modulo the two primes.
struct Remainder: Equatable {
  /// `2^61 − 1`.
  static let first: UInt64 = (1 << 61) - 1
  /// `2^62 − 57`.
  static let second: UInt64 = (1 << 62) - 57

  var one: UInt64
  var two: UInt64

  static let zero = Remainder(one: 0, two: 0)
  static let one = Remainder(one: 1, two: 1)

  init(one: UInt64, two: UInt64) {
    self.one = one
    self.two = two
  }

  init(_ value: UInt64) {
    one = value % Self.first
    two = value % Self.second
  }

  var hasZero: Bool { one == 0 || two == 0 }

  static func + (left: Remainder, right: Remainder) -> Remainder {
    let one = left.one + right.one
    let two = left.two + right.two
    return Remainder(one: one >= first ? one - first : one, two: two >= second ? two - second : two)
  }

  static func - (left: Remainder, right: Remainder) -> Remainder {
    Remainder(
      one: left.one >= right.one ? left.one - right.one : left.one + first - right.one,
      two: left.two >= right.two ? left.two - right.two : left.two + second - right.two)
  }

  static func * (left: Remainder, right: Remainder) -> Remainder {
    let wide = left.one.multipliedFullWidth(by: right.one)
    var one = (wide.low & first) + (wide.high << 3 | wide.low >> 61)
    if one >= first { one -= first }
    return Remainder(one: one, two: second.dividingFullWidth(left.two.multipliedFullWidth(by: right.two)).remainder)
  }

  func power(_ exponent: UInt) -> Remainder {
    var result = Remainder.one
    var base = self
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = result * base }
      rest >>= 1
      if rest > 0 { base = base * base }
    }
    return result
  }
}

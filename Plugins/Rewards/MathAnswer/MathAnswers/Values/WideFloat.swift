// SPDX-License-Identifier: Apache-2.0

/// A floating-point number with 256 bits of mantissa and an exponent that does not overflow.
///
/// The value is `±(high · 2^128 + low) / 2^256 · 2^exponent`. Every mantissa but zero's has its highest bit set, so
/// that the value lies in `[2^(exponent − 1), 2^exponent)`. Results are cut, not rounded: each operation is off by a
/// few units of the last place, which ``ComplexValue`` accounts for.
struct WideFloat {
  var isNegative: Bool
  var exponent: Int
  var high: UInt128
  var low: UInt128

  static let zero = WideFloat(isNegative: false, exponent: 0, high: 0, low: 0)
  static let one = WideFloat(1)

  var isZero: Bool { high == 0 }

  init(isNegative: Bool, exponent: Int, high: UInt128, low: UInt128) {
    self.isNegative = isNegative
    self.exponent = exponent
    self.high = high
    self.low = low
  }

  /// A whole number, exactly.
  init(_ value: Int) {
    self.init(magnitude: UInt128(value.magnitude), isNegative: value < 0)
  }

  /// A whole number, exactly.
  init(magnitude: UInt128, isNegative: Bool) {
    guard magnitude != 0 else {
      self = .zero
      return
    }
    let shift = magnitude.leadingZeroBitCount
    self.init(isNegative: isNegative, exponent: 128 - shift, high: magnitude << shift, low: 0)
  }

  /// A finite number, exactly.
  init(_ value: Double) {
    guard value != 0, value.isFinite else {
      self = .zero
      return
    }
    let significand = UInt64(value.significandBitPattern) | (1 << 52)
    let bits = UInt128(value.isNormal ? significand : UInt64(value.significandBitPattern))
    let shift = bits.leadingZeroBitCount
    let unit = value.isNormal ? Int(value.exponent) - 52 : -1074
    self.init(isNegative: value < 0, exponent: 128 - shift + unit, high: bits << shift, low: 0)
  }

  /// The nearest of the numbers that a `Double` holds, infinite beyond them.
  var double: Double {
    if isZero { return 0 }
    let leading = Double(UInt64(truncatingIfNeeded: high >> 64))
    let scale = exponent - 64
    let magnitude: Double
    if scale > 1000 {
      magnitude = .infinity
    } else if scale < -1140 {
      magnitude = 0
    } else {
      // In two steps, since the power alone may lie below what a Double holds.
      magnitude = leading * Self.power(scale / 2) * Self.power(scale - scale / 2)
    }
    return isNegative ? -magnitude : magnitude
  }

  private static func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }

  /// The whole number that this is, or nil when it is none of at most 62 bits.
  ///
  /// - Parameter slack: How many of the lowest bits are noise: a value within `2^slack` of a whole number is that.
  func wholeNumber(within slack: Int) -> Int? {
    if isZero || exponent <= slack { return 0 }
    guard exponent <= 62 else { return nil }
    let rounded = exponent < 0 ? 0 : Int(truncatingIfNeeded: exponent == 0 ? 0 : high >> (128 - exponent))
    for candidate in [rounded, rounded + 1] {
      let rest = self.magnitude - WideFloat(candidate)
      if rest.isZero || rest.exponent <= slack { return isNegative ? -candidate : candidate }
    }
    return nil
  }

  /// The largest whole number that is not greater, or nil when it does not fit.
  var floor: Int? {
    if isZero { return 0 }
    guard exponent <= 62 else { return nil }
    let whole = exponent <= 0 ? 0 : Int(truncatingIfNeeded: high >> (128 - exponent))
    if !isNegative { return whole }
    return (magnitude - WideFloat(whole)).isZero ? -whole : -whole - 1
  }

  /// The absolute value.
  var magnitude: WideFloat { WideFloat(isNegative: false, exponent: exponent, high: high, low: low) }

  /// The value times a power of two, exactly.
  func scaled(by power: Int) -> WideFloat {
    isZero ? self : WideFloat(isNegative: isNegative, exponent: exponent + power, high: high, low: low)
  }
}

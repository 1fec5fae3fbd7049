// SPDX-License-Identifier: Apache-2.0

/// A number as it was written in decimal digits: `significand · 10^exponent`, exactly.
struct Decimal {
  /// The digits as a number, without zeros at the end; the leading 19 digits where there are more.
  private(set) var significand: UInt64 = 0
  /// The power of ten.
  private(set) var exponent = 0
  /// All digits, first to last, where they are too many for the significand.
  private(set) var longDigits: [UInt8] = []
  /// How many digits were written after the decimal point, less the exponent.
  private(set) var places = 0

  /// A whole number.
  init(_ value: UInt64) {
    significand = value
    normalize()
  }

  /// Reads digits (0 to 9, not their characters), the last `fraction` of which follow the decimal point.
  init(digits: [UInt8], fraction: Int, exponent: Int) {
    places = max(0, fraction - exponent)
    var digits = digits[...]
    var power = exponent - fraction
    while let first = digits.first, first == 0 { digits.removeFirst() }
    while let last = digits.last, last == 0 {
      digits.removeLast()
      power += 1
    }
    self.exponent = digits.isEmpty ? 0 : power
    guard digits.count > 19 else {
      for digit in digits { significand = significand * 10 + UInt64(digit) }
      return
    }
    longDigits = Array(digits)
    for digit in digits.prefix(19) { significand = significand * 10 + UInt64(digit) }
  }

  private mutating func normalize() {
    guard significand != 0 else { return }
    while significand % 10 == 0 {
      significand /= 10
      exponent += 1
    }
  }

  /// Whether both were written as the same number; their places may differ.
  func isSameNumber(as other: Decimal) -> Bool {
    significand == other.significand && exponent == other.exponent && longDigits == other.longDigits
  }

  /// The number where it is whole and has at most 18 digits.
  var wholeNumber: Int? {
    guard longDigits.isEmpty, exponent >= 0, exponent <= 18 else { return nil }
    var value = significand
    for _ in 0..<exponent {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      value = product
    }
    return value < 1 << 62 ? Int(value) : nil
  }

  /// The exact residue.
  var residue: Residue {
    var numerator = Remainder(significand)
    if !longDigits.isEmpty {
      numerator = .zero
      let ten = Remainder(10)
      for digit in longDigits { numerator = numerator * ten + Remainder(UInt64(digit)) }
    }
    if exponent == 0 { return Residue(numerator: numerator, denominator: .one) }
    let scale = Remainder(10).power(exponent.magnitude)
    return exponent > 0
      ? Residue(numerator: numerator * scale, denominator: .one) : Residue(numerator: numerator, denominator: scale)
  }

  /// The value, right to about 250 bits.
  var wide: WideFloat {
    var value = WideFloat(magnitude: UInt128(significand), isNegative: false)
    if !longDigits.isEmpty {
      value = .zero
      // Beyond 80 digits nothing changes the mantissa but its size.
      for digit in longDigits.prefix(80) { value = value * WideFloat(10) + WideFloat(Int(digit)) }
      value = value * Self.powerOfTen(max(0, longDigits.count - 80))
    }
    if exponent == 0 || value.isZero { return value }
    let scale = Self.powerOfTen(Int(exponent.magnitude))
    return exponent > 0 ? value * scale : value / scale
  }

  private static func powerOfTen(_ exponent: Int) -> WideFloat {
    var result = WideFloat.one
    var base = WideFloat(10)
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = result * base }
      base = base * base
      rest >>= 1
    }
    return result
  }
}

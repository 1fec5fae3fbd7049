// SPDX-License-Identifier: Apache-2.0

/// A complex number with a bound on how far it may be off.
struct ComplexValue {
  var re: WideFloat
  var im: WideFloat
  /// The value is off by a small multiple of `2^error`; the multiple is what ``slack`` leaves room for.
  var error: Int

  /// How many bits of the error bound are kept for the operations that led to a value.
  static let slack = 24
  /// How many bits an operation on exact values gives.
  static let precision = 250
  /// What the error of an exact zero counts as.
  static let exact = -1 << 40

  static let zero = ComplexValue(.zero)
  static let one = ComplexValue(.one)
  static let imaginaryUnit = ComplexValue(re: .zero, im: .one, error: exact)
  static let pi = ComplexValue(WideFloat.pi)

  init(re: WideFloat, im: WideFloat, error: Int) {
    self.re = re
    self.im = im
    self.error = error
  }

  init(_ value: WideFloat) {
    self.init(re: value, im: .zero, error: value.isZero ? Self.exact : value.exponent - Self.precision)
  }

  init(_ value: Int) { self.init(WideFloat(value)) }

  /// The power of two that bounds the magnitude from above.
  var ceiling: Int {
    if re.isZero { return im.isZero ? Self.exact : im.exponent }
    return im.isZero ? re.exponent : max(re.exponent, im.exponent) + 1
  }

  /// The power of two that bounds the magnitude from below.
  var bottom: Int {
    if re.isZero { return im.isZero ? Self.exact : im.exponent - 1 }
    return (im.isZero ? re.exponent : max(re.exponent, im.exponent)) - 1
  }

  /// The power of two below which a part is noise.
  var noise: Int { error + Self.slack }

  var isZero: Bool { Self.isNoise(re, noise) && Self.isNoise(im, noise) }
  var isReal: Bool { Self.isNoise(im, noise) }

  static func isNoise(_ value: WideFloat, _ noise: Int) -> Bool { value.isZero || value.exponent <= noise }

  /// The whole number that this is, or nil.
  var wholeNumber: Int? { isReal && noise < -8 ? re.wholeNumber(within: noise) : nil }

  static prefix func - (value: ComplexValue) -> ComplexValue {
    ComplexValue(re: -value.re, im: -value.im, error: value.error)
  }

  static func + (left: ComplexValue, right: ComplexValue) -> ComplexValue {
    let (re, im) = (left.re + right.re, left.im + right.im)
    let size = max(left.ceiling, right.ceiling)
    var error = max(left.error, right.error, size - precision)
    // A part that vanishes beside the other would make different values equal: too imprecise for that then.
    if left.isAbsorbed(by: size) || right.isAbsorbed(by: size) { error = max(error, size - 150) }
    return ComplexValue(re: re, im: im, error: error)
  }

  private func isAbsorbed(by size: Int) -> Bool {
    let bottom = bottom
    return bottom > Self.exact && bottom < size - 190 && bottom > noise
  }

  static func - (left: ComplexValue, right: ComplexValue) -> ComplexValue { left + -right }

  static func * (left: ComplexValue, right: ComplexValue) -> ComplexValue {
    // Not below that of an exact zero, which would fall without end when it is multiplied with itself.
    let error = max(
      exact, left.error + right.ceiling, right.error + left.ceiling, left.ceiling + right.ceiling - precision)
    if left.im.isZero, right.im.isZero { return ComplexValue(re: left.re * right.re, im: .zero, error: error) }
    return ComplexValue(
      re: left.re * right.re - left.im * right.im, im: left.re * right.im + left.im * right.re, error: error)
  }

  /// One divided by the value.
  ///
  /// - Throws: When the value is zero, or cannot be told from it.
  func reciprocal() throws(EvaluationFault) -> ComplexValue {
    if isZero { throw .undefined }
    let newError = max(error - 2 * bottom, -bottom - Self.precision)
    if im.isZero { return ComplexValue(re: re.reciprocal, im: .zero, error: newError) }
    let inverse = (re * re + im * im).reciprocal
    return ComplexValue(re: re * inverse, im: -im * inverse, error: newError)
  }

  /// The value to a whole power, by squaring.
  ///
  /// - Throws: When the power is negative and the value zero, or the result too large.
  func power(_ exponent: Int) throws(EvaluationFault) -> ComplexValue {
    if isZero {
      if exponent < 0 { throw .undefined }
      return exponent == 0 ? .one : ComplexValue(re: .zero, im: .zero, error: error)
    }
    let magnitude = exponent.magnitude
    let size = max(ceiling.magnitude, bottom.magnitude)
    if size.multipliedReportingOverflow(by: magnitude).overflow || size * magnitude > 1 << 50 { throw .tooLarge }
    var result = ComplexValue.one
    var base = self
    var rest = magnitude
    while rest > 0 {
      if rest & 1 == 1 { result = result * base }
      rest >>= 1
      if rest > 0 { base = base * base }
    }
    return exponent < 0 ? try result.reciprocal() : result
  }

  /// How this value and another compare.
  ///
  /// They are equal when they differ by less than both may be off, and are known well enough for that to mean
  /// something.
  func compare(with other: ComplexValue) -> ValueComparison {
    let difference = self - other
    if !difference.isZero { return .different }
    let scale = max(ceiling, other.ceiling)
    return difference.noise <= max(scale, 0) - 128 ? .equal : .imprecise
  }
}

/// How two values compare.
enum ValueComparison {
  case equal
  case different
  /// They are too close to tell.
  case imprecise
}

/// Why an expression has no value.
enum EvaluationFault: Error {
  /// A division by zero, the logarithm of zero, a value outside a function's domain.
  case undefined
  /// A value, or the way to it, beyond the bounds.
  case tooLarge
  /// A kind of expression that has no number for its value.
  case noNumber
}

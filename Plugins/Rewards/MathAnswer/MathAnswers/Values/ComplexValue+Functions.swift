// SPDX-License-Identifier: Apache-2.0

/// Elementary functions on their principal branches.
extension ComplexValue {
  /// The largest argument of the exponential function and of sines, as a power of two.
  private static let largestArgument = 36

  /// This value without an imaginary part that is noise.
  var cleaned: ComplexValue { isReal ? ComplexValue(re: re, im: .zero, error: error) : self }

  /// `e` to the power of the value.
  func exponential() throws(EvaluationFault) -> ComplexValue {
    guard ceiling <= Self.largestArgument else { throw .tooLarge }
    let size = WideFloat.exponential(of: re)
    let newError = size.exponent + max(error, ceiling - Self.precision, -240)
    if im.isZero { return ComplexValue(re: size, im: .zero, error: newError) }
    let (cosine, sine) = WideFloat.cosineAndSine(of: im)
    return ComplexValue(re: size * cosine, im: size * sine, error: newError)
  }

  /// The natural logarithm; its imaginary part lies in `(−π, π]`.
  func logarithm() throws(EvaluationFault) -> ComplexValue {
    if isZero { throw .undefined }
    let value = cleaned
    let newError = max(error - bottom, -240)
    if value.im.isZero {
      let size = WideFloat.logarithm(of: re.magnitude)
      return ComplexValue(
        re: size, im: re.isNegative ? WideFloat.pi : .zero, error: max(newError, size.exponent - Self.precision))
    }
    let size = WideFloat.logarithm(of: (re * re + im * im)).scaled(by: -1)
    return ComplexValue(
      re: size, im: WideFloat.angle(x: re, y: im), error: max(newError, size.exponent - Self.precision))
  }

  /// The square root with a real part that is not negative.
  func squareRoot() -> ComplexValue {
    if isZero { return ComplexValue(re: .zero, im: .zero, error: re.isZero && im.isZero ? Self.exact : error >> 1) }
    let value = cleaned
    let newError = max(error - (bottom >> 1), (ceiling >> 1) - Self.precision)
    if value.im.isZero {
      let root = re.squareRoot
      return re.isNegative
        ? ComplexValue(re: .zero, im: root, error: newError) : ComplexValue(re: root, im: .zero, error: newError)
    }
    let size = (re * re + im * im).squareRoot
    let real: WideFloat
    let imaginary: WideFloat
    if re.isNegative {
      let part = (size - re).scaled(by: -1).squareRoot
      imaginary = im.isNegative ? -part : part
      real = im / imaginary.scaled(by: 1)
    } else {
      real = (size + re).scaled(by: -1).squareRoot
      imaginary = im / real.scaled(by: 1)
    }
    return ComplexValue(re: real, im: imaginary, error: newError + 2)
  }

  /// The absolute value.
  var absolute: ComplexValue {
    if im.isZero { return ComplexValue(re: re.magnitude, im: .zero, error: error) }
    let size = (re * re + im * im).squareRoot
    return ComplexValue(re: size, im: .zero, error: max(error, size.exponent - Self.precision))
  }

  /// The root of a degree: of a negative real value the real one where there is one, else the principal one.
  func root(_ degree: Int) throws(EvaluationFault) -> ComplexValue {
    if degree == 2 { return squareRoot() }
    if isZero { return .zero }
    let value = cleaned
    if value.im.isZero, value.re.isNegative, degree % 2 == 1 { return -(try (-value).root(degree)) }
    return try (value.logarithm() * ComplexValue(degree).reciprocal()).exponential()
  }

  /// The value to any power, on the principal branch.
  func power(_ exponent: ComplexValue) throws(EvaluationFault) -> ComplexValue {
    if let whole = exponent.wholeNumber { return try power(whole) }
    if isZero {
      if exponent.re.isNegative || !exponent.isReal { throw .undefined }
      return .zero
    }
    let product = try exponent * logarithm()
    if product.ceiling > Self.largestArgument { throw .tooLarge }
    return try product.exponential()
  }

  /// The cosine and the sine.
  func cosineAndSine() throws(EvaluationFault) -> (cosine: ComplexValue, sine: ComplexValue) {
    guard ceiling <= Self.largestArgument else { throw .tooLarge }
    let value = cleaned
    if value.im.isZero {
      let (cosine, sine) = WideFloat.cosineAndSine(of: re)
      let newError = max(error, ceiling - Self.precision, -235)
      return (
        ComplexValue(re: cosine, im: .zero, error: newError), ComplexValue(re: sine, im: .zero, error: newError)
      )
    }
    let up = try (value * .imaginaryUnit).exponential()
    let down = try (-value * .imaginaryUnit).exponential()
    let half = ComplexValue(WideFloat(0.5))
    return ((up + down) * half, (up - down) * half * -.imaginaryUnit)
  }

  /// The inverse sine: `−i · ln(iz + √(1 − z²))`.
  func arcsine() throws(EvaluationFault) -> ComplexValue {
    let inner = self * .imaginaryUnit + (.one - self * self).squareRoot()
    return try inner.logarithm() * -.imaginaryUnit
  }

  /// The inverse tangent.
  func arctangent() throws(EvaluationFault) -> ComplexValue {
    if isReal {
      return ComplexValue(
        re: WideFloat.angle(x: .one, y: re), im: .zero, error: max(error, -240))
    }
    let turned = self * .imaginaryUnit
    let half = ComplexValue(WideFloat(0.5)) * -.imaginaryUnit
    return try ((.one + turned).logarithm() - (.one - turned).logarithm()) * half
  }

  /// The hyperbolic cosine and sine.
  func hyperbolicCosineAndSine() throws(EvaluationFault) -> (cosine: ComplexValue, sine: ComplexValue) {
    let (up, half) = (try exponential(), ComplexValue(WideFloat(0.5)))
    let down = try (-self).exponential()
    return ((up + down) * half, (up - down) * half)
  }
}

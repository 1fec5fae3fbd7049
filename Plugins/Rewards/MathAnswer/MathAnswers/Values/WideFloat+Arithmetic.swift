// SPDX-License-Identifier: Apache-2.0

extension WideFloat {
  static prefix func - (value: WideFloat) -> WideFloat {
    WideFloat(
      isNegative: value.isZero ? false : !value.isNegative, exponent: value.exponent, high: value.high, low: value.low)
  }

  static func + (left: WideFloat, right: WideFloat) -> WideFloat {
    if left.isZero { return right }
    if right.isZero { return left }
    let (large, small) = left.isSmallerInMagnitude(than: right) ? (right, left) : (left, right)
    let distance = large.exponent - small.exponent
    if distance > 255 { return large }
    let (high, low) = shiftedRight(small.high, small.low, by: distance)
    return large.isNegative == small.isNegative ? large.adding(high, low) : large.subtracting(high, low)
  }

  static func - (left: WideFloat, right: WideFloat) -> WideFloat { left + -right }

  static func * (left: WideFloat, right: WideFloat) -> WideFloat {
    if left.isZero || right.isZero { return .zero }
    var (high, low) = left.high.multipliedFullWidth(by: right.high)
    if right.low != 0 { add(left.high.multipliedFullWidth(by: right.low).high, to: &high, &low) }
    if left.low != 0 { add(left.low.multipliedFullWidth(by: right.high).high, to: &high, &low) }
    var exponent = left.exponent + right.exponent
    if high >> 127 == 0 {
      (high, low) = (high << 1 | low >> 127, low << 1)
      exponent -= 1
    }
    return WideFloat(isNegative: left.isNegative != right.isNegative, exponent: exponent, high: high, low: low)
  }

  /// One divided by the value, which must not be zero.
  var reciprocal: WideFloat {
    let mantissa = scaled(by: -exponent)
    var result = WideFloat(1 / mantissa.double)
    // Each round doubles the correct bits: 53, 106, 212, 256.
    for _ in 0..<3 { result = result * (WideFloat(2) - mantissa * result) }
    return result.scaled(by: -exponent)
  }

  static func / (left: WideFloat, right: WideFloat) -> WideFloat { left * right.reciprocal }

  /// The square root of the absolute value.
  var squareRoot: WideFloat {
    if isZero { return .zero }
    let half = exponent >> 1
    let mantissa = magnitude.scaled(by: -2 * half)
    var inverse = WideFloat(1 / mantissa.double.squareRoot())
    for _ in 0..<3 {
      inverse = (inverse * (WideFloat(3) - mantissa * inverse * inverse)).scaled(by: -1)
    }
    return (mantissa * inverse).scaled(by: half)
  }

  func isSmallerInMagnitude(than other: WideFloat) -> Bool {
    if isZero || other.isZero { return isZero && !other.isZero }
    if exponent != other.exponent { return exponent < other.exponent }
    return high != other.high ? high < other.high : low < other.low
  }

  private func adding(_ otherHigh: UInt128, _ otherLow: UInt128) -> WideFloat {
    let (sumLow, carryLow) = low.addingReportingOverflow(otherLow)
    let (partial, overflow) = high.addingReportingOverflow(otherHigh)
    let (sumHigh, carryHigh) = partial.addingReportingOverflow(carryLow ? 1 : 0)
    guard overflow || carryHigh else {
      return WideFloat(isNegative: isNegative, exponent: exponent, high: sumHigh, low: sumLow)
    }
    return WideFloat(
      isNegative: isNegative, exponent: exponent + 1, high: sumHigh >> 1 | 1 << 127, low: sumLow >> 1 | sumHigh << 127)
  }

  private func subtracting(_ otherHigh: UInt128, _ otherLow: UInt128) -> WideFloat {
    let (differenceLow, borrow) = low.subtractingReportingOverflow(otherLow)
    let differenceHigh = high &- otherHigh &- (borrow ? 1 : 0)
    if differenceHigh == 0 {
      if differenceLow == 0 { return .zero }
      let shift = differenceLow.leadingZeroBitCount
      return WideFloat(
        isNegative: isNegative, exponent: exponent - 128 - shift, high: differenceLow << shift, low: 0)
    }
    let shift = differenceHigh.leadingZeroBitCount
    if shift == 0 {
      return WideFloat(isNegative: isNegative, exponent: exponent, high: differenceHigh, low: differenceLow)
    }
    return WideFloat(
      isNegative: isNegative, exponent: exponent - shift,
      high: differenceHigh << shift | differenceLow >> (128 - shift),
      low: differenceLow << shift)
  }

  private static func shiftedRight(_ high: UInt128, _ low: UInt128, by count: Int) -> (UInt128, UInt128) {
    if count == 0 { return (high, low) }
    if count < 128 { return (high >> count, low >> count | high << (128 - count)) }
    return (0, high >> (count - 128))
  }

  private static func add(_ value: UInt128, to high: inout UInt128, _ low: inout UInt128) {
    let (sum, carry) = low.addingReportingOverflow(value)
    low = sum
    if carry { high &+= 1 }
  }
}

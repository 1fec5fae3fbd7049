// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// Reads a closed expression at a place in a text and evaluates it: `1,234.5`, `3 1/2`, `2\sqrt{3}`, `6.02 \times 10^{23}`.
///
/// Known are decimals with separators between thousands, a decimal comma, exponents, fractions, mixed numbers, roots, powers,
/// π, factorials, products, quotients, sums and parentheses. A letter that is no unit makes the whole no number: `5x`.
struct NumberScanner {
  /// What stands at a place.
  enum Found {
    /// A value.
    case value(Double, isPercentage: Bool)
    /// An expression that is no single number: it has a variable, or is a ratio, a time, an ordinal.
    case other
  }

  let text: ArraySlice<UInt8>
  /// Where it has got to.
  var position: Int
  /// Whether what was read is no single number.
  var isOpen = false
  private var depth = 0
  private let isFormula: Bool

  /// Begins at a position of a cleaned text.
  ///
  /// - Parameter isFormula: Whether an exclamation mark at the end is a factorial.
  init(_ text: ArraySlice<UInt8>, at position: Int, isFormula: Bool) {
    self.text = text
    self.position = position
    self.isFormula = isFormula
  }

  /// Reads an expression and the unit behind it, and stops behind them; nil where none begins.
  mutating func next() -> Found? {
    let start = position
    skipCurrency()
    guard var value = sum() else {
      position = start
      return nil
    }
    value *= multiplier()
    let isPercentage = skipUnit()
    return isOpen || !value.isFinite ? .other : .value(value, isPercentage: isPercentage)
  }

  // MARK: Expressions

  mutating func sum() -> Double? {
    guard depth < 16 else { return nil }
    depth += 1
    defer { depth -= 1 }
    guard var value = product() else { return nil }
    while true {
      let start = position
      let spaced = skipSpace()
      guard let sign = sign() else {
        position = start
        return value
      }
      // `10 -3`: a list, or prose, rather than a difference.
      let spacedBehind = skipSpace()
      guard spaced == spacedBehind, let other = product() else {
        position = start
        return value
      }
      value += sign * other
    }
  }

  private mutating func product() -> Double? {
    var negative = 1.0
    let start = position
    if let sign = sign() {
      negative = sign
      skipSpace()
    }
    guard var value = power() else {
      position = start
      return nil
    }
    while true {
      let start = position
      skipSpace()
      if skip(anyOf: ["\\times", "\\cdot", "×", "·", "⋅", "*"]) || skipLetterTimes() {
        skipSpace()
        guard let factor = signed() else {
          position = start
          return negative * value
        }
        value *= factor
      } else if skip(anyOf: ["/", "\\div", "÷", "\\slash"]) {
        skipSpace()
        guard let factor = signed() else {
          position = start
          return negative * value
        }
        value /= factor
      } else if beginsFactor(), let factor = power() {
        value *= factor
      } else {
        position = start
        return negative * value
      }
    }
  }

  private mutating func signed() -> Double? {
    let start = position
    let factor = sign() ?? 1
    guard let value = power() else {
      position = start
      return nil
    }
    return factor * value
  }

  /// Whether what follows multiplies without a sign: π, a root, a parenthesis right behind.
  private func beginsFactor() -> Bool {
    for mark in ["\\pi", "π", "\\sqrt", "√", "\\left("] as [StaticString] where text.holds(mark, at: position) {
      return true
    }
    return text.holds("(", at: position) && position > text.startIndex && !text[position - 1].isSpace
  }

  private mutating func power() -> Double? {
    guard var base = atom() else { return nil }
    while true {
      if text.holds("^", at: position) {
        let start = position
        position += 1
        if skip(anyOf: ["\\circ", "{\\circ}", "°", "{°}"]) { continue }
        guard let exponent = text.holds("{", at: position) ? braced() : digit() else {
          position = start
          isOpen = true
          return base
        }
        base = pow(base, exponent)
      } else if let (exponent, end) = superscript() {
        position = end
        base = pow(base, exponent)
      } else if text.holds("!", at: position), !text.holds("!=", at: position), base >= 0, base <= 170,
        base == base.rounded(), !isSentenceEnd(position)
      {
        position += 1
        base = tgamma(base + 1).rounded()
      } else if !skip(anyOf: ["°", "\\degree"]) {
        return base
      }
    }
  }

  /// An exclamation mark at the end, or before space, is one of a sentence, unless that goes on: `5! ways`.
  private func isSentenceEnd(_ position: Int) -> Bool {
    if isFormula { return false }
    guard position + 1 < text.endIndex else { return true }
    guard text[position + 1].isSpace else { return false }
    return text[position + 1] != 0x20 || position + 2 == text.endIndex || !text[position + 2].isLetter
      || text[position + 2].isCapital
  }

  private mutating func atom() -> Double? {
    if skip(anyOf: ["\\left(", "("]) { return enclosed(by: ["\\right)", ")"]) }
    if text.holds("{", at: position) { return braced() }
    if isFormula, skip(anyOf: ["|", "\\left|"]) { return enclosed(by: ["|", "\\right|"]).map(abs) }
    if let value = fraction() { return value }
    if let value = root() { return value }
    if text.holds("\\pi", at: position), !isLetter(position + 3) {
      position += 3
      return .pi
    }
    if skip(anyOf: ["π"]) { return .pi }
    guard let (value, end) = DecimalScanner.scan(text, at: position) else { return nil }
    position = end
    return mixed(value)
  }

  private mutating func enclosed(by marks: [StaticString]) -> Double? {
    skipSpace()
    guard let value = sum() else { return nil }
    skipSpace()
    return skip(anyOf: marks) ? value : nil
  }

  mutating func braced() -> Double? {
    let start = position
    position += 1
    guard let value = enclosed(by: ["}"]) else {
      position = start
      return nil
    }
    return value
  }

  mutating func digit() -> Double? {
    guard position < text.endIndex, text[position].isDigit || text.holds("-", at: position) else { return nil }
    if text.holds("-", at: position) {
      guard position + 1 < text.endIndex, text[position + 1].isDigit else { return nil }
    }
    let start = position
    position += 1
    // `10^3` in TeX takes one digit, in plain text all of them.
    while position < text.endIndex, text[position].isDigit { position += 1 }
    return Double(text[start..<position].text)
  }

  /// A whole number and a fraction behind it: `3 1/2`, `3\frac{1}{2}`.
  private mutating func mixed(_ whole: Double) -> Double {
    guard whole == whole.rounded() else { return whole }
    let start = position
    let spaced = skipSpace()
    if let part = fraction() { return whole + part }
    if spaced, let (above, end) = DecimalScanner.digits(text, at: position), text.holds("/", at: end),
      let (below, last) = DecimalScanner.digits(text, at: end + 1), above < below
    {
      position = last
      return whole + above / below
    }
    position = start
    return whole
  }

  private mutating func fraction() -> Double? {
    let start = position
    guard skip(anyOf: ["\\frac", "\\dfrac", "\\tfrac", "\\cfrac"]), let above = argument(), let below = argument(),
      below != 0
    else {
      position = start
      return nil
    }
    return above / below
  }

  private mutating func root() -> Double? {
    let start = position
    guard skip(anyOf: ["\\sqrt", "√"]) else { return nil }
    var degree = 2.0
    if skip(anyOf: ["["]) {
      guard let given = enclosed(by: ["]"]) else {
        position = start
        return nil
      }
      degree = given
    }
    let radicand = text.holds("{", at: position) ? braced() : text.holds("(", at: position) ? atom() : rootOfDecimal()
    guard let radicand else {
      position = start
      return nil
    }
    if radicand < 0, degree.remainder(dividingBy: 2) != 0 { return -pow(-radicand, 1 / degree) }
    return degree == 2 ? radicand.squareRoot() : pow(radicand, 1 / degree)
  }

  private mutating func rootOfDecimal() -> Double? {
    guard let (value, end) = DecimalScanner.scan(text, at: position) else { return nil }
    position = end
    return value
  }

  private mutating func argument() -> Double? {
    skipSpace()
    if text.holds("{", at: position) { return braced() }
    guard position < text.endIndex, text[position].isDigit else { return nil }
    position += 1
    return Double(text[position - 1] - 0x30)
  }

  // MARK: Marks

  private mutating func sign() -> Double? {
    if skip(anyOf: ["-"]) { return -1 }
    return skip(anyOf: ["+"]) ? 1 : nil
  }

  mutating func skip(anyOf marks: [StaticString]) -> Bool {
    for mark in marks where text.holds(mark, at: position) {
      let end = position + mark.utf8CodeUnitCount
      // A command ends where its letters do.
      if text[position] == UInt8(ascii: "\\"), text[end - 1].isLetter, isLetter(end) { continue }
      position = end
      return true
    }
    return false
  }

  /// `3 x 4`: a sign of multiplication between digits.
  private mutating func skipLetterTimes() -> Bool {
    guard text.holds("x", at: position), position > text.startIndex else { return false }
    let next = text.skippingSpace(from: position + 1)
    guard next < text.endIndex, text[next].isDigit, next > position + 1 || text[position - 1].isDigit else {
      return false
    }
    position += 1
    return true
  }

  func isLetter(_ position: Int) -> Bool { position < text.endIndex && text[position].isLetter }

  /// Skips space, spacing commands and the marks of formulas; says whether there was any.
  @discardableResult
  mutating func skipSpace() -> Bool {
    let start = position
    while position < text.endIndex {
      let byte = text[position]
      if byte.isSpace && byte != 0x0A || byte == UInt8(ascii: "~") || byte == UInt8(ascii: "$") {
        position += 1
      } else if byte == UInt8(ascii: "\\"), position + 1 < text.endIndex, ",;:! ".utf8.contains(text[position + 1]) {
        position += 2
      } else if !skip(anyOf: ["\\quad", "\\qquad", "\\displaystyle"]) {
        break
      }
    }
    return position > start
  }

  private mutating func skipCurrency() {
    for _ in 0..<3 where skip(anyOf: ["\\$", "$", "€", "£", "¥", "₹", "\\("]) { skipSpace() }
  }

  func superscript() -> (Double, end: Int)? {
    var end = position
    var value = 0.0
    var isNegative = false
    while end < text.endIndex, text[end] >= 0xC2 {
      let (scalar, length) = text.scalar(at: end)
      let digit: Double
      switch scalar {
      case 0xB2: digit = 2
      case 0xB3: digit = 3
      case 0xB9: digit = 1
      case 0x2070, 0x2074...0x2079: digit = Double(scalar - 0x2070)
      case 0x207B where end == position:
        isNegative = true
        end += length
        continue
      default: return end > position ? (isNegative ? -value : value, end) : nil
      }
      value = value * 10 + digit
      end += length
    }
    return end > position ? (isNegative ? -value : value, end) : nil
  }
}

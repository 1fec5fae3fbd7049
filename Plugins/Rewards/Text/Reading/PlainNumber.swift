// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Reads numbers as people write them in answers: `1,234.5`, `-3`, `6.02e23`, `3/4`, `\frac{3}{4}`, `1 1/2`, `50%`.
struct PlainNumber: Equatable {
  /// The value; a fraction is divided, a percentage is not.
  let value: Double
  /// Whether a percent sign follows.
  let isPercentage: Bool
  /// Whether `value` is the nearest `Double` to what was written; not so beyond 15 digits.
  let isExact: Bool

  /// Reads a text that is one number and nothing else, but for space around it.
  init?(_ text: ArraySlice<UInt8>) {
    let text = text.trimmed
    guard let (number, end) = Self.scan(text, at: text.startIndex), end == text.endIndex else { return nil }
    self = number
  }

  private init(value: Double, isPercentage: Bool, isExact: Bool) {
    self.value = value
    self.isPercentage = isPercentage
    self.isExact = isExact
  }

  /// A number at a position, and where it ends.
  private static func scan(_ text: ArraySlice<UInt8>, at start: Int) -> (PlainNumber, end: Int)? {
    var position = start
    var sign = 1.0
    if let (negative, end) = scanSign(text, at: position) {
      sign = negative ? -1 : 1
      position = text.skippingSpace(from: end)
    }
    guard var (value, digits, end) = scanFraction(text, at: position) ?? scanDecimal(text, at: position)
    else {
      return nil
    }
    if let mixed = scanMixed(text, behind: (value, digits, end)) { (value, digits, end) = mixed }
    let slash = text.skippingSpace(from: end)
    if slash < text.endIndex, text[slash] == UInt8(ascii: "/"),
      let (denominator, more, after) = scanDecimal(text, at: text.skippingSpace(from: slash + 1)),
      denominator != 0
    {
      value /= denominator
      digits = max(digits, more)
      end = after
    }
    var isPercentage = false
    let mark = text.skippingSpace(from: end)
    if text.holds("%", at: mark) || text.holds("\\%", at: mark) {
      isPercentage = true
      end = mark + (text.holds("%", at: mark) ? 1 : 2)
    }
    guard value.isFinite else { return nil }
    return (PlainNumber(value: sign * value, isPercentage: isPercentage, isExact: digits <= 15), end)
  }

  private static func scanSign(_ text: ArraySlice<UInt8>, at position: Int) -> (isNegative: Bool, end: Int)? {
    if text.holds("-", at: position) { return (true, position + 1) }
    if text.holds("\u{2212}", at: position) { return (true, position + 3) }
    if text.holds("+", at: position) { return (false, position + 1) }
    return nil
  }

  private typealias Scanned = (value: Double, digits: Int, end: Int)

  /// A whole number and a fraction: `1 1/2`, `1\frac{1}{2}`.
  private static func scanMixed(_ text: ArraySlice<UInt8>, behind whole: Scanned) -> Scanned? {
    guard text[whole.end - 1].isDigit, whole.value == whole.value.rounded() else { return nil }
    let start = text.skippingSpace(from: whole.end)
    if let part = scanFraction(text, at: start) {
      return (whole.value + part.value, max(whole.digits, part.digits), part.end)
    }
    guard start > whole.end, let above = scanDecimal(text, at: start), text.holds("/", at: above.end),
      let below = scanDecimal(text, at: above.end + 1), above.value < below.value
    else { return nil }
    let digits = max(whole.digits, above.digits, below.digits)
    return ((whole.value * below.value + above.value) / below.value, digits, below.end)
  }

  /// `\frac{a}{b}`, also as `\dfrac` and `\tfrac`, or `\frac12`.
  private static func scanFraction(_ text: ArraySlice<UInt8>, at position: Int) -> Scanned? {
    var next = position
    if text.holds("\\frac", at: position) {
      next += 5
    } else if text.holds("\\dfrac", at: position) || text.holds("\\tfrac", at: position) {
      next += 6
    } else {
      return nil
    }
    guard let above = scanArgument(text, at: next), let below = scanArgument(text, at: above.end),
      below.value != 0
    else { return nil }
    return (above.value / below.value, max(above.digits, below.digits), below.end)
  }

  private static func scanArgument(_ text: ArraySlice<UInt8>, at position: Int) -> Scanned? {
    if position < text.endIndex, text[position].isDigit {
      return (Double(text[position] - 0x30), 1, position + 1)
    }
    guard text.holds("{", at: position) else { return nil }
    var inside = text.skippingSpace(from: position + 1)
    var sign = 1.0
    if let (negative, end) = scanSign(text, at: inside) {
      sign = negative ? -1 : 1
      inside = end
    }
    guard let (value, digits, end) = scanDecimal(text, at: inside) else { return nil }
    let close = text.skippingSpace(from: end)
    return text.holds("}", at: close) ? (sign * value, digits, close + 1) : nil
  }

  /// Digits with separators between groups of three, a decimal point, an exponent.
  private static func scanDecimal(_ text: ArraySlice<UInt8>, at start: Int) -> Scanned? {
    var position = start
    var plain: [UInt8] = []
    func takeDigits() {
      while position < text.endIndex, text[position].isDigit {
        plain.append(text[position])
        position += 1
      }
    }
    takeDigits()
    if (1...3).contains(plain.count) {
      while let end = groupOfThree(text, at: position) {
        plain += text[(end - 3)..<end]
        position = end
      }
    }
    var digits = plain.count
    if text.holds(".", at: position), position + 1 < text.endIndex, text[position + 1].isDigit {
      plain.append(UInt8(ascii: "."))
      position += 1
      takeDigits()
      digits = plain.count - 1
    }
    guard digits > 0 else { return nil }
    if text.holds("e", at: position) || text.holds("E", at: position) {
      let end = position
      plain.append(UInt8(ascii: "e"))
      position += 1
      if text.holds("-", at: position) || text.holds("+", at: position) {
        plain.append(text[position])
        position += 1
      }
      let before = plain.count
      takeDigits()
      if plain.count == before || plain.count - before > 4 {
        plain.removeLast(plain.count - (plain.lastIndex(of: UInt8(ascii: "e")) ?? plain.count))
        position = end
      }
    }
    guard digits <= 400, let value = Double(String(decoding: plain, as: UTF8.self)) else { return nil }
    return (value, digits, position)
  }

  /// The end of a separator and three digits after it, with no fourth: `,234`, `{,}234`, `\,234`.
  private static func groupOfThree(_ text: ArraySlice<UInt8>, at position: Int) -> Int? {
    let start: Int
    if text.holds(",", at: position) {
      start = position + 1
    } else if text.holds("\\,", at: position) || text.holds("\\!", at: position) {
      start = position + 2
    } else if text.holds("{,}", at: position) {
      start = position + 3
    } else if text.holds(",\\!", at: position) {
      start = position + 3
    } else {
      return nil
    }
    guard start + 3 <= text.endIndex, text[start..<start + 3].allSatisfy(\.isDigit) else { return nil }
    return start + 3 < text.endIndex && text[start + 3].isDigit ? nil : start + 3
  }
}

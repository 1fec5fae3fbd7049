// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import PipelineCore

/// Reads a decimal: digits, separators between thousands, a point or a comma before decimals, an exponent.
enum DecimalScanner {
  /// The number that begins at a position, and where it ends.
  static func scan(_ text: ArraySlice<UInt8>, at start: Int) -> (Double, end: Int)? {
    if let number = PointGroups(text, at: start) {
      let digits = number.digits.map { $0 + 0x30 }
      let point = digits.count - number.places
      let plain = digits[..<point] + [UInt8(ascii: ".")] + digits[point...] + [0x30]
      return Double(String(decoding: plain, as: UTF8.self)).map { ($0, number.end) }
    }
    var position = start
    var plain: [UInt8] = []
    func takeDigits() {
      while position < text.endIndex, text[position].isDigit {
        plain.append(text[position])
        position += 1
      }
    }
    takeDigits()
    var isGrouped = false
    if (1...3).contains(plain.count) {
      while let end = group(text, at: position) {
        plain += text[(end - 3)..<end]
        position = end
        isGrouped = true
      }
    }
    let whole = plain.count
    if decimals(text, at: position, whole: whole, isGrouped: isGrouped) {
      plain.append(UInt8(ascii: "."))
      position += text.holds("{", at: position) ? 3 : 1
      takeDigits()
    }
    guard position > start, plain.count <= 400 else { return nil }
    takeExponent(text, &position, &plain)
    guard let value = Double(String(decoding: plain, as: UTF8.self)) else { return nil }
    return (value, position)
  }

  /// Nothing but digits.
  static func digits(_ text: ArraySlice<UInt8>, at start: Int) -> (Double, end: Int)? {
    let end = text[min(start, text.endIndex)...].firstIndex { !$0.isDigit } ?? text.endIndex
    guard end > start, end - start <= 15, let value = Double(text[start..<end].text) else { return nil }
    return (value, end)
  }

  /// Whether decimals follow: a point and digits, or a comma and digits that are no group of three and no list.
  private static func decimals(_ text: ArraySlice<UInt8>, at position: Int, whole: Int, isGrouped: Bool) -> Bool {
    func isDigit(_ index: Int) -> Bool { index < text.endIndex && text[index].isDigit }
    if text.holds(".", at: position) {
      guard isDigit(position + 1) else { return false }
      // `1.2.3` is a version or a date.
      return true
    }
    let mark = text.holds(",", at: position) ? 1 : text.holds("{,}", at: position) ? 3 : 0
    guard mark > 0, whole > 0, !isGrouped, isDigit(position + mark) else { return false }
    var end = position + mark
    while isDigit(end) { end += 1 }
    return !(text.holds(",", at: end) && isDigit(end + 1)) && !(text.holds(".", at: end) && isDigit(end + 1))
  }

  private static func takeExponent(_ text: ArraySlice<UInt8>, _ position: inout Int, _ plain: inout [UInt8]) {
    guard text.holds("e", at: position) || text.holds("E", at: position) else { return }
    var end = position + 1
    var exponent: [UInt8] = [UInt8(ascii: "e")]
    if text.holds("-", at: end) || text.holds("+", at: end) {
      exponent.append(text[end])
      end += 1
    }
    let digits = text[min(end, text.endIndex)...].prefix { $0.isDigit }
    guard (1...4).contains(digits.count), end + digits.count == text.endIndex || !text[end + digits.count].isLetter
    else {
      return
    }
    plain += exponent + digits
    position = end + digits.count
  }

  /// The end of a separator and three digits after it, with no fourth: `,234`, `{,}234`, `\,234`, `'234`, ` 234`.
  private static func group(_ text: ArraySlice<UInt8>, at position: Int) -> Int? {
    for mark in [",\\!", "{,}", "\\,", "\\!", ",", "'", " "] as [StaticString] where text.holds(mark, at: position) {
      let start = position + mark.utf8CodeUnitCount
      guard start + 3 <= text.endIndex, text[start..<(start + 3)].allSatisfy(\.isDigit) else { return nil }
      if start + 3 < text.endIndex, text[start + 3].isDigit { return nil }
      return start + 3
    }
    return nil
  }
}

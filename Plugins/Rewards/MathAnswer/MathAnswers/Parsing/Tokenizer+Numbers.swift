// SPDX-License-Identifier: Apache-2.0

extension Tokenizer {
  /// Digits with separators between groups of three, decimals, an exponent, repeating decimals.
  mutating func readNumber() throws(ReadingFault) {
    if let number = PointGroups(bytes[...], at: position) {
      position = number.end
      return emit(.number(Decimal(digits: number.digits, fraction: number.places, exponent: 0)))
    }
    var digits: [UInt8] = []
    takeDigits(&digits)
    if (1...3).contains(digits.count), digits.first != 0 {
      while let end = endOfGroup(at: position) {
        for index in end - 3..<end { digits.append(bytes[index] - 0x30) }
        position = end
      }
    }
    let whole = digits.count
    let mark = byte(at: position)
    if mark == UInt8(ascii: ".") || (mark == UInt8(ascii: ",") && commas.isDecimal) {
      if byte(at: position + 1).isDigit {
        position += 1
        takeDigits(&digits)
        // Groups of three after the point do not exist; `1.234.567` is no number.
        if byte(at: position) == UInt8(ascii: "."), byte(at: position + 1).isDigit { throw .notAnAnswer }
      }
      if mark == UInt8(ascii: "."), try readRepeating(digits, whole: whole) { return }
    }
    let fraction = digits.count - whole
    emit(.number(Decimal(digits: digits, fraction: fraction, exponent: readExponent())))
    if digits.count > 10_000 { throw .tooLarge }
  }

  private mutating func takeDigits(_ digits: inout [UInt8]) {
    while position < bytes.count, bytes[position].isDigit {
      digits.append(bytes[position] - 0x30)
      position += 1
    }
  }

  /// The end of a separator and exactly three digits after it.
  private func endOfGroup(at start: Int) -> Int? {
    var next = start
    switch byte(at: start) {
    case UInt8(ascii: "{") where holds(",}", at: start + 1): next += 3
    case UInt8(ascii: "\\") where holds(",", at: start + 1) || holds("!", at: start + 1): next += 2
    case UInt8(ascii: ",") where holds("\\!", at: start + 1): next = skippingSpace(from: start + 3)
    case UInt8(ascii: ",") where commas == .thousands: next += 1
    case UInt8(ascii: "'") where commas == .thousands: next += 1
    case 0xE2 where commas == .thousands && holds("’", at: start): next += 3
    case UInt8(ascii: " ") where matrixDepth == 0 && commas == .thousands: next += 1
    default: return nil
    }
    guard next + 3 <= bytes.count, bytes[next].isDigit, bytes[next + 1].isDigit, bytes[next + 2].isDigit,
      !byte(at: next + 3).isDigit
    else { return nil }
    return next + 3
  }

  /// `e5`, `E-3`; 0 where there is none.
  private mutating func readExponent() -> Int {
    guard byte(at: position) | 0x20 == UInt8(ascii: "e") else { return 0 }
    var next = position + 1
    let sign = byte(at: next)
    if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { next += 1 }
    let start = next
    var value = 0
    while byte(at: next).isDigit, next - start < 9 {
      value = value * 10 + Int(bytes[next] - 0x30)
      next += 1
    }
    if next == start || byte(at: next).isDigit || byte(at: next).isLetter { return 0 }
    position = next
    return sign == UInt8(ascii: "-") ? -value : value
  }

  /// `0.\overline{3}`, `0.1\bar{6}`, `0.(3)`: as the fraction it is.
  private mutating func readRepeating(_ digits: [UInt8], whole: Int) throws(ReadingFault) -> Bool {
    var next = position
    // The point itself where no digit follows it.
    if byte(at: next) == UInt8(ascii: ".") { next += 1 }
    let close: UInt8
    let mark = byte(at: next)
    guard mark == UInt8(ascii: "\\") || mark == UInt8(ascii: "(") else { return false }
    if let name = ["\\overline", "\\bar", "\\dot"].first(where: {
      bytes[min(next, bytes.count)...].starts(with: $0.utf8)
    }) {
      next = skippingSpace(from: next + name.utf8.count)
      guard byte(at: next) == UInt8(ascii: "{") else { return false }
      close = UInt8(ascii: "}")
    } else if byte(at: next) == UInt8(ascii: "(") {
      close = UInt8(ascii: ")")
    } else {
      return false
    }
    next += 1
    var period: [UInt8] = []
    while byte(at: next).isDigit {
      period.append(bytes[next] - 0x30)
      next += 1
    }
    guard !period.isEmpty, byte(at: next) == close, digits.count + period.count <= 18 else { return false }
    position = next + 1
    func number(_ digits: [UInt8]) -> UInt64 { digits.reduce(0) { $0 * 10 + UInt64($1) } }
    var scale: UInt64 = 1
    for _ in whole..<digits.count { scale *= 10 }
    var nines: UInt64 = 0
    for _ in period { nines = nines * 10 + 9 }
    emit(.open(UInt8(ascii: "{")))
    emit(.number(Decimal(number(digits + period) - number(digits))))
    emit(.divide)
    emit(.number(Decimal(nines * scale)))
    emit(.close(UInt8(ascii: "{")))
    return true
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Decimal digits of numbers, rounded once from the exact value, as Python's formatting does it.
enum Decimals {
  /// The magnitude of a finite number with a fixed number of decimals; ties of the exact value go to the even digit.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    let (digits, point) = exact(value)
    let kept = rounded(digits, keeping: point + decimals)
    var text = kept.digits
    let whole = point + kept.carry
    if whole <= 0 { text = Array(repeating: 0, count: 1 - whole) + text }
    let split = max(whole, 1)
    while text.count < split + decimals { text.append(0) }
    let letters = text.prefix(split + decimals).map { Character(Unicode.Scalar(48 + $0)) }
    return String(letters.prefix(split)) + (decimals > 0 ? "." + String(letters.dropFirst(split)) : "")
  }

  /// The magnitude as digits `d1 … dn` and the exponent of `d1.d2…`, rounded to a number of digits.
  static func significant(_ value: Double, _ count: Int) -> (digits: String, exponent: Int) {
    guard value != 0 else { return (String(repeating: "0", count: count), 0) }
    let (digits, point) = exact(value)
    let kept = rounded(digits, keeping: count)
    var text = kept.digits
    while text.count < count { text.append(0) }
    return (String(text.prefix(count).map { Character(Unicode.Scalar(48 + $0)) }), point + kept.carry - 1)
  }

  /// All digits of a number, the first not 0, and the place of the point after the first.
  private static func exact(_ value: Double) -> (digits: [UInt8], point: Int) {
    let magnitude = value.magnitude
    guard magnitude != 0 else { return ([], 0) }
    var number = [UInt32]()  // in base 1e9, the lowest first
    var significand = UInt64(magnitude.significandBitPattern)
    var exponent = Int(magnitude.exponentBitPattern) - 1075
    if magnitude.exponentBitPattern == 0 { exponent += 1 } else { significand |= 1 << 52 }
    while significand > 0 {
      number.append(UInt32(significand % 1_000_000_000))
      significand /= 1_000_000_000
    }
    // value = significand · 2^exponent; a negative power becomes 5^k / 10^k.
    let factor: UInt64 = exponent < 0 ? 5 : 2
    for _ in 0..<abs(exponent) {
      var carry: UInt64 = 0
      for index in number.indices {
        let product = UInt64(number[index]) * factor + carry
        number[index] = UInt32(product % 1_000_000_000)
        carry = product / 1_000_000_000
      }
      if carry > 0 { number.append(UInt32(carry)) }
    }
    var digits: [UInt8] = []
    for part in number.reversed() {
      let text = String(part)
      if !digits.isEmpty { digits += Array(repeating: 0, count: 9 - text.count) }
      digits += text.utf8.map { $0 - 48 }
    }
    return (digits, digits.count + min(exponent, 0))
  }

  private static func rounded(_ digits: [UInt8], keeping count: Int) -> (digits: [UInt8], carry: Int) {
    guard count < digits.count else { return (digits, 0) }
    guard count >= 0 else { return ([], 0) }
    var kept = Array(digits.prefix(count))
    let rest = digits.dropFirst(count)
    let isAbove = (rest.first ?? 0) > 5 || ((rest.first ?? 0) == 5 && rest.dropFirst().contains { $0 != 0 })
    let isTie = rest.first == 5 && !isAbove
    guard isAbove || (isTie && (kept.last ?? 0) % 2 == 1) else { return (kept, 0) }
    var index = kept.count - 1
    while index >= 0 {
      if kept[index] < 9 {
        kept[index] += 1
        return (kept, 0)
      }
      kept[index] = 0
      index -= 1
    }
    return ([1] + kept, 1)
  }
}

/// Reading numbers as Python's `int` and `float` do.
enum NumberText {
  /// `int(text, base)`, or nil where Python finds no number.
  ///
  /// - Throws: When it is one, but does not fit.
  static func whole(_ text: Text, base: Int) throws(TemplateError) -> Int? {
    var letters = Array(ascii(text).lowercased().utf8)
    var isNegative = false
    if let sign = letters.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      letters.removeFirst()
    }
    var base = base
    let prefixes: [(String, Int)] = [("0x", 16), ("0o", 8), ("0b", 2)]
    var hadPrefix = false
    for (prefix, radix) in prefixes where letters.starts(with: prefix.utf8) && (base == radix || base == 0) {
      letters.removeFirst(2)
      base = radix
      hadPrefix = true
      break
    }
    if base == 0 {
      guard letters.first != 48 || letters.allSatisfy({ $0 == 48 || $0 == 95 }) else { return nil }
      base = 10
    }
    if hadPrefix, letters.first == UInt8(ascii: "_") { letters.removeFirst() }
    guard let digits = withoutUnderscores(letters), !digits.isEmpty, (2...36).contains(base) else { return nil }
    let isNumber = digits.allSatisfy { letter in
      let value = (48...57).contains(letter) ? Int(letter) - 48 : (97...122).contains(letter) ? Int(letter) - 87 : 99
      return value < base
    }
    guard isNumber else { return nil }
    guard let value = Int((isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self), radix: base) else {
      throw TemplateError(.overflow, "\(text.string.prefix(40)) \(Arithmetic.tooLarge)")
    }
    return value
  }

  /// `float(text)`, or nil where Python finds no number.
  static func fraction(_ text: Text) -> Double? {
    let letters = ascii(text).lowercased()
    let unsigned = letters.first == "-" || letters.first == "+" ? String(letters.dropFirst()) : letters
    let sign: Double = letters.first == "-" ? -1 : 1
    if ["inf", "infinity"].contains(unsigned) { return sign * .infinity }
    if unsigned == "nan" { return .nan }
    guard let digits = withoutUnderscores(Array(unsigned.utf8)),
      digits.allSatisfy({ (48...57).contains($0) || "e.+-".utf8.contains($0) }), let first = digits.first,
      (48...57).contains(first) || first == UInt8(ascii: ".")
    else { return nil }
    var written = String(decoding: digits, as: UTF8.self)
    // Swift wants digits on both sides of a point.
    if written.hasPrefix(".") { written = "0" + written }
    if let point = written.firstIndex(of: ".") {
      let next = written.index(after: point)
      if next == written.endIndex || written[next] == "e" {
        guard digits.first != UInt8(ascii: ".") else { return nil }
        written.remove(at: point)
      }
    }
    return Double(written).map { sign * $0 }
  }

  /// Stripped, with the digits of other scripts as ASCII.
  private static func ascii(_ text: Text) -> String {
    let stripped = text.stripped()
    if stripped.isASCII { return stripped.string }
    return stripped.string.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.isPythonDecimal, let value = scalar.properties.numericValue {
        result += String(Int(value))
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }

  private static func withoutUnderscores(_ letters: [UInt8]) -> [UInt8]? {
    for (index, letter) in letters.enumerated() where letter == UInt8(ascii: "_") {
      guard index > 0, index + 1 < letters.count, isAlphanumeric(letters[index - 1]), isAlphanumeric(letters[index + 1])
      else { return nil }
    }
    return letters.filter { $0 != UInt8(ascii: "_") }
  }

  private static func isAlphanumeric(_ letter: UInt8) -> Bool {
    (48...57).contains(letter) || (97...122).contains(letter)
  }
}

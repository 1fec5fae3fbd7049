// SPDX-License-Identifier: Apache-2.0

/// Reads a number literal: `42`, `1_000`, `0x1f`, `0b1`, `0o7`, `4.2`, `1e-3`.
struct NumberScanner {
  private let bytes: [UInt8]
  private let start: Int
  /// The byte after it.
  private(set) var end: Int

  init(_ bytes: [UInt8], _ start: Int) {
    self.bytes = bytes
    self.start = start
    end = start
  }

  mutating func scan(_ line: Int) throws(TemplateError) -> Token.Kind {
    if let end = fractionEnd() {
      self.end = end
      return .double(Double(digits(start..<end)) ?? .infinity)
    }
    for (mark, radix) in [("b", 2), ("o", 8), ("x", 16)] where follows(start + 1, mark) && bytes[start] == 48 {
      let end = run(start + 2, radix: radix, leadingUnderscore: true)
      guard end > start + 2 else { continue }
      self.end = end
      return try whole(start + 2..<end, radix, line)
    }
    end = bytes[start] == 48 ? zeros() : run(start, radix: 10, leadingUnderscore: false)
    return try whole(start..<end, 10, line)
  }

  private func digits(_ range: Swift.Range<Int>) -> String {
    String(decoding: bytes[range].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
  }

  private func whole(_ range: Swift.Range<Int>, _ radix: Int, _ line: Int) throws(TemplateError) -> Token.Kind {
    guard let value = Int(digits(range), radix: radix) else {
      throw TemplateError(.overflow, "\(digits(range)) \(Arithmetic.tooLarge)", line: line)
    }
    return .int(value)
  }

  private func follows(_ index: Int, _ letter: String) -> Bool {
    index < bytes.count && bytes[index] | 0x20 == letter.utf8.first
  }

  private func value(_ index: Int) -> Int? {
    guard index < bytes.count else { return nil }
    return switch bytes[index] {
    case 48...57: Int(bytes[index]) - 48
    case 65...70: Int(bytes[index]) - 55
    case 97...102: Int(bytes[index]) - 87
    default: nil
    }
  }

  /// The end of a run of digits, with an underscore between two.
  private func run(_ start: Int, radix: Int, leadingUnderscore: Bool) -> Int {
    var index = start
    while true {
      let isUnderscore =
        index < bytes.count && bytes[index] == UInt8(ascii: "_") && (index > start || leadingUnderscore)
      let next = isUnderscore ? index + 1 : index
      guard let digit = value(next), digit < radix else { return index }
      index = next + 1
    }
  }

  private func zeros() -> Int {
    var index = start + 1
    while true {
      let next = index < bytes.count && bytes[index] == UInt8(ascii: "_") ? index + 1 : index
      guard next < bytes.count, bytes[next] == 48 else { return index }
      index = next + 1
    }
  }

  private func fractionEnd() -> Int? {
    if start > 0, bytes[start - 1] == UInt8(ascii: ".") { return nil }
    var index = run(start, radix: 10, leadingUnderscore: false)
    var isFraction = false
    if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
      let end = run(index + 1, radix: 10, leadingUnderscore: false)
      if end > index + 1 {
        index = end
        isFraction = true
      }
    }
    if follows(index, "e") {
      var digits = index + 1
      if digits < bytes.count, bytes[digits] == UInt8(ascii: "+") || bytes[digits] == UInt8(ascii: "-") { digits += 1 }
      let end = run(digits, radix: 10, leadingUnderscore: false)
      if end > digits { return end }
    }
    return isFraction ? index : nil
  }
}

/// Reads the escapes of a string literal, as Python's `unicode-escape` codec does.
enum EscapedString {
  static func text(_ raw: ArraySlice<UInt8>, line: Int) throws(TemplateError) -> Text {
    guard raw.contains(UInt8(ascii: "\\")) else { return Text(raw) }
    let source = Array(ascii(raw))
    var scalars: [Unicode.Scalar] = []
    var index = 0
    while index < source.count {
      guard source[index] == UInt8(ascii: "\\") else {
        scalars.append(Unicode.Scalar(source[index]))
        index += 1
        continue
      }
      guard index + 1 < source.count else { throw TemplateError(.syntax, "\\ at end of string", line: line) }
      try escape(source, &index, &scalars, line)
    }
    return Text(scalars)
  }

  /// Characters beyond ASCII become escapes first, as Jinja does it; a backslash before one is therefore kept.
  private static func ascii(_ raw: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in String(decoding: raw, as: UTF8.self).unicodeScalars {
      guard scalar.value >= 0x80 else {
        bytes.append(UInt8(scalar.value))
        continue
      }
      let (mark, digits) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
      let hex = String(scalar.value, radix: 16)
      bytes += "\\\(mark)\(String(repeating: "0", count: digits - hex.count))\(hex)".utf8
    }
    return bytes
  }

  private static let simple: [UInt8: Unicode.Scalar] = [
    UInt8(ascii: "\\"): "\\", UInt8(ascii: "'"): "'", UInt8(ascii: "\""): "\"", UInt8(ascii: "a"): "\u{7}",
    UInt8(ascii: "b"): "\u{8}", UInt8(ascii: "f"): "\u{C}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r",
    UInt8(ascii: "t"): "\t", UInt8(ascii: "v"): "\u{B}",
  ]

  private static func escape(
    _ source: [UInt8], _ index: inout Int, _ scalars: inout [Unicode.Scalar], _ line: Int
  ) throws(TemplateError) {
    let mark = source[index + 1]
    if let scalar = simple[mark] {
      scalars.append(scalar)
      index += 2
      return
    }
    switch mark {
    case 10: index += 2
    case 48...55:
      let digits = source[(index + 1)...].prefix(3).prefix { (48...55).contains($0) }
      scalars.append(Unicode.Scalar(digits.reduce(0) { $0 * 8 + UInt32($1 - 48) }) ?? " ")
      index += 1 + digits.count
    case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
      let length = mark == UInt8(ascii: "x") ? 2 : mark == UInt8(ascii: "u") ? 4 : 8
      let digits = source[(index + 2)...].prefix(length)
      guard digits.count == length, let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
        digits.first != UInt8(ascii: "+")
      else {
        let name = Character(Unicode.Scalar(mark))
        throw TemplateError(.syntax, "truncated \\\(name)\(String(repeating: "X", count: length)) escape", line: line)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw TemplateError(.syntax, "\\u\(String(value, radix: 16)) is not a character of Unicode", line: line)
      }
      scalars.append(scalar)
      index += 2 + length
    case UInt8(ascii: "N"):
      throw TemplateError(
        .unsupported, "escapes by a character's name, such as \\N{DASH}, are not supported", line: line)
    default:
      scalars.append("\\")
      index += 1
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// RFC 8259 as a recursive descent, plus bare NaN, Infinity and -Infinity; shares nothing with the scanner.
struct ReferenceValidator {
  private struct Invalid: Error {}

  private let bytes: [UInt8]
  private var at = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether `bytes` are one object with whitespace around it, nested at most 1024 levels deep.
  static func accepts(_ bytes: [UInt8]) -> Bool {
    var validator = ReferenceValidator(bytes)
    do {
      validator.skipSpace()
      guard validator.peek == UInt8(ascii: "{") else { return false }
      try validator.value(depth: 1)
      validator.skipSpace()
      return validator.at == bytes.count
    } catch {
      return false
    }
  }

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
  }

  private mutating func take(_ text: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes.count - at >= wanted.count, bytes[at..<at + wanted.count].elementsEqual(wanted) else {
      return false
    }
    at += wanted.count
    return true
  }

  private mutating func value(depth: Int) throws {
    skipSpace()
    guard let byte = peek else { throw Invalid() }
    switch byte {
    case UInt8(ascii: "{"):
      guard depth <= 1024 else { throw Invalid() }
      try object(depth: depth)
    case UInt8(ascii: "["):
      guard depth <= 1024 else { throw Invalid() }
      try array(depth: depth)
    case UInt8(ascii: "\""): try string()
    default:
      if take("true") || take("false") || take("null") || take("NaN") || take("Infinity") || take("-Infinity") {
        return
      }
      try number()
    }
  }

  private mutating func object(depth: Int) throws {
    at += 1
    skipSpace()
    if take("}") { return }
    repeat {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw Invalid() }
      try string()
      skipSpace()
      guard take(":") else { throw Invalid() }
      try value(depth: depth + 1)
      skipSpace()
    } while take(",")
    guard take("}") else { throw Invalid() }
  }

  private mutating func array(depth: Int) throws {
    at += 1
    skipSpace()
    if take("]") { return }
    repeat {
      try value(depth: depth + 1)
      skipSpace()
    } while take(",")
    guard take("]") else { throw Invalid() }
  }

  private mutating func digits() throws {
    let start = at
    while let byte = peek, (0x30...0x39).contains(byte) { at += 1 }
    guard at > start else { throw Invalid() }
  }

  private mutating func number() throws {
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
  }

  private mutating func string() throws {
    at += 1
    var raw: [UInt8] = []
    while true {
      guard let byte = peek else { throw Invalid() }
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard String(validating: raw, as: UTF8.self) != nil else { throw Invalid() }
        return
      case 0..<0x20: throw Invalid()
      case UInt8(ascii: "\\"):
        try escape()
        raw.append(0x20)
      default: raw.append(byte)
      }
    }
  }

  private mutating func escape() throws {
    guard let kind = peek else { throw Invalid() }
    at += 1
    if kind != UInt8(ascii: "u") {
      guard "\"\\/bfnrt".utf8.contains(kind) else { throw Invalid() }
      return
    }
    let unit = try codeUnit()
    if (0xDC00...0xDFFF).contains(unit) { throw Invalid() }
    if (0xD800...0xDBFF).contains(unit) {
      guard take("\\u"), (0xDC00...0xDFFF).contains(try codeUnit()) else { throw Invalid() }
    }
  }

  private mutating func codeUnit() throws -> Int {
    guard bytes.count - at >= 4 else { throw Invalid() }
    var unit = 0
    for byte in bytes[at..<at + 4] {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { throw Invalid() }
      unit = unit * 16 + digit
    }
    at += 4
    return unit
  }
}

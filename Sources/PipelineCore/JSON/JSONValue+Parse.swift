// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// Why a text is not a JSON value, and where.
  public struct ParseError: Error, Equatable {
    /// What is wrong.
    public let reason: String
    /// The byte of the text where it was noticed, from 0.
    public let offset: Int

    /// Describes a fault.
    public init(reason: String, offset: Int) {
      self.reason = reason
      self.offset = offset
    }
  }

  /// Reads one JSON value (RFC 8259); a bare `NaN` or `Infinity` becomes `null`.
  ///
  /// Meant for values inside records whose bytes the reader has already checked, and for short texts.
  /// Nesting is limited to 1024 levels.
  ///
  /// - Throws: ``ParseError``.
  public init(parsing text: String) throws {
    var text = text
    self = try text.withUTF8 { try JSONValue(parsing: UnsafeRawBufferPointer($0)) }
  }

  /// Reads one JSON value from UTF-8 bytes; see ``init(parsing:)-(String)``.
  public init(parsing bytes: UnsafeRawBufferPointer) throws {
    var parser = Parser(bytes: bytes)
    self = try parser.document()
  }

  private struct Parser {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws -> JSONValue {
      let value = try self.value(depth: 0)
      skipSpace()
      if position < bytes.count { throw fault("unexpected text after the value") }
      return value
    }

    func fault(_ reason: String) -> ParseError { ParseError(reason: reason, offset: position) }

    mutating func skipSpace() {
      while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    mutating func peek() throws -> UInt8 {
      skipSpace()
      guard position < bytes.count else { throw fault("the text ends inside a value") }
      return bytes[position]
    }

    mutating func value(depth: Int) throws -> JSONValue {
      if depth > 1024 { throw fault("nested deeper than 1024 levels") }
      switch try peek() {
      case UInt8(ascii: "{"): return try object(depth: depth)
      case UInt8(ascii: "["): return try array(depth: depth)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"): return try word("true", .bool(true))
      case UInt8(ascii: "f"): return try word("false", .bool(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      case UInt8(ascii: "N"): return try word("NaN", .null)
      case UInt8(ascii: "I"): return try word("Infinity", .null)
      default: return try number()
      }
    }

    mutating func word(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
      let end = position + word.utf8CodeUnitCount
      let matches =
        end <= bytes.count
        && (position..<end).allSatisfy { bytes[$0] == word.utf8Start[$0 - position] }
      guard matches else { throw fault("expected a JSON value") }
      position = end
      return value
    }

    mutating func object(depth: Int) throws -> JSONValue {
      position += 1
      var members: [Member] = []
      if try peek() == UInt8(ascii: "}") {
        position += 1
        return .object(members)
      }
      while true {
        guard try peek() == UInt8(ascii: "\"") else { throw fault("expected a key in quotes") }
        let key = try string()
        guard try peek() == UInt8(ascii: ":") else { throw fault("expected ':' after the key") }
        position += 1
        members.append(Member(key, try value(depth: depth + 1)))
        let next = try peek()
        position += 1
        if next == UInt8(ascii: "}") { return .object(members) }
        if next != UInt8(ascii: ",") {
          position -= 1
          throw fault("expected ',' or '}'")
        }
      }
    }

    mutating func array(depth: Int) throws -> JSONValue {
      position += 1
      var elements: [JSONValue] = []
      if try peek() == UInt8(ascii: "]") {
        position += 1
        return .array(elements)
      }
      while true {
        elements.append(try value(depth: depth + 1))
        let next = try peek()
        position += 1
        if next == UInt8(ascii: "]") { return .array(elements) }
        if next != UInt8(ascii: ",") {
          position -= 1
          throw fault("expected ',' or ']'")
        }
      }
    }

    mutating func number() throws -> JSONValue {
      let start = position
      func isDigit(_ at: Int) -> Bool { at < bytes.count && bytes[at] >= 0x30 && bytes[at] <= 0x39 }
      func digits() throws {
        guard isDigit(position) else { throw fault("expected a JSON value") }
        while isDigit(position) { position += 1 }
      }
      if bytes[position] == UInt8(ascii: "-") { position += 1 }
      if position < bytes.count, bytes[position] == UInt8(ascii: "I") { return try word("Infinity", .null) }
      let first = position
      try digits()
      if position - first > 1, bytes[first] == 0x30 { throw fault("a number has a leading zero") }
      if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
        position += 1
        try digits()
      }
      if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
        position += 1
        if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
          position += 1
        }
        try digits()
      }
      return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    mutating func string() throws -> String {
      position += 1
      let start = position
      while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
        if bytes[position] < 0x20 { throw fault("a control character in a string") }
        position += 1
      }
      guard position < bytes.count else { throw fault("the text ends inside a string") }
      if bytes[position] == UInt8(ascii: "\"") {
        defer { position += 1 }
        return try text(UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
      }
      var unescaped = Array(bytes[start..<position])
      while true {
        guard position < bytes.count else { throw fault("the text ends inside a string") }
        let byte = bytes[position]
        if byte < 0x20 { throw fault("a control character in a string") }
        position += 1
        if byte == UInt8(ascii: "\"") { return try unescaped.withUnsafeBytes { try text($0) } }
        if byte == UInt8(ascii: "\\") { try escape(into: &unescaped) } else { unescaped.append(byte) }
      }
    }

    func text(_ utf8: UnsafeRawBufferPointer) throws -> String {
      guard let text = String(validating: utf8.bindMemory(to: UInt8.self), as: UTF8.self) else {
        throw fault("invalid UTF-8 in a string")
      }
      return text
    }

    mutating func escape(into unescaped: inout [UInt8]) throws {
      guard position < bytes.count else { throw fault("the text ends inside a string") }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "n"): unescaped.append(0x0A)
      case UInt8(ascii: "t"): unescaped.append(0x09)
      case UInt8(ascii: "r"): unescaped.append(0x0D)
      case UInt8(ascii: "b"): unescaped.append(0x08)
      case UInt8(ascii: "f"): unescaped.append(0x0C)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
      case UInt8(ascii: "u"):
        var scalar = try hexadecimal()
        if (0xD800..<0xDC00).contains(scalar), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        {
          position += 2
          let low = try hexadecimal()
          guard (0xDC00..<0xE000).contains(low) else { throw fault("a lone surrogate in a string") }
          scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let character = Unicode.Scalar(scalar) else { throw fault("a lone surrogate in a string") }
        unescaped.append(contentsOf: Character(character).utf8)
      default:
        position -= 1
        throw fault("an escape that JSON does not have")
      }
    }

    mutating func hexadecimal() throws -> UInt32 {
      guard position + 4 <= bytes.count else { throw fault("the text ends inside a string") }
      var value: UInt32 = 0
      for _ in 0..<4 {
        guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
          throw fault("an escape that JSON does not have")
        }
        value = value << 4 | UInt32(digit)
        position += 1
      }
      return value
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import CRecordScanner

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

    /// A fault that the scanner found.
    init(_ fault: record_error) {
      let reason =
        switch UInt32(fault.code) {
        case RECORD_EMPTY.rawValue, RECORD_TRUNCATED.rawValue: "the text ends inside a value"
        case RECORD_TRAILING_CONTENT.rawValue: "unexpected text after the value"
        default: String(cString: record_error_message(fault.code))
        }
      self.init(reason: reason, offset: Int(fault.offset))
    }
  }

  /// Reads one JSON value (RFC 8259); a bare `NaN` or `Infinity` becomes `null`.
  ///
  /// Nesting is limited to 1024 levels.
  ///
  /// - Throws: ``ParseError``.
  public init(parsing text: String) throws {
    var text = text
    self = try text.withUTF8 { try JSONValue(parsing: UnsafeRawBufferPointer($0)) }
  }

  /// Reads one JSON value from UTF-8 bytes; see ``init(parsing:)-(String)``.
  public init(parsing bytes: UnsafeRawBufferPointer) throws {
    var fault = record_error()
    guard record_check_value(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &fault) == RECORD_OK.rawValue
    else { throw ParseError(fault) }
    self.init(checked: bytes)
  }

  /// Reads a JSON value that the scanner has accepted, alone or within a record.
  ///
  /// - Parameter bytes: The same bytes that were checked: nothing is checked again, memory safety included.
  package init(checked bytes: UnsafeRawBufferPointer) {
    var builder = Builder(bytes: bytes)
    self = builder.value()
  }

  /// The text between the quotes of a string that the scanner has accepted.
  package static func string(inside bytes: Slice<UnsafeRawBufferPointer>) -> String {
    let inside = UnsafeRawBufferPointer(rebasing: bytes)
    if !inside.contains(UInt8(ascii: "\\")) { return String(decoding: inside, as: UTF8.self) }
    return String(unsafeUninitializedCapacity: inside.count) { room in
      record_unescape(inside.bindMemory(to: UInt8.self).baseAddress, inside.count, room.baseAddress)
    }
  }

  /// Makes values of bytes that are known to be valid.
  private struct Builder {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    /// The first byte of the next token.
    mutating func peek() -> UInt8 {
      while bytes[position] <= 0x20 { position += 1 }
      return bytes[position]
    }

    mutating func value() -> JSONValue {
      switch peek() {
      case UInt8(ascii: "{"): return .object(members())
      case UInt8(ascii: "["): return .array(elements())
      case UInt8(ascii: "\""): return .string(string())
      case UInt8(ascii: "t"): return word(4, .bool(true))
      case UInt8(ascii: "f"): return word(5, .bool(false))
      case UInt8(ascii: "n"): return word(4, .null)
      case UInt8(ascii: "N"): return word(3, .null)
      case UInt8(ascii: "I"): return word(8, .null)
      default: return number()
      }
    }

    mutating func word(_ length: Int, _ value: JSONValue) -> JSONValue {
      position += length
      return value
    }

    mutating func members() -> [Member] {
      var members: [Member] = []
      members.reserveCapacity(4)
      position += 1
      while true {
        switch peek() {
        case UInt8(ascii: "}"):
          position += 1
          return members
        case UInt8(ascii: ","): position += 1
        default:
          let key = string()
          _ = peek()
          position += 1
          members.append(Member(key, value()))
        }
      }
    }

    mutating func elements() -> [JSONValue] {
      var elements: [JSONValue] = []
      position += 1
      while true {
        switch peek() {
        case UInt8(ascii: "]"):
          position += 1
          return elements
        case UInt8(ascii: ","): position += 1
        default: elements.append(value())
        }
      }
    }

    mutating func number() -> JSONValue {
      let start = position
      while position < bytes.count {
        switch bytes[position] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
          UInt8(ascii: "e"), UInt8(ascii: "E"):
          position += 1
        case UInt8(ascii: "I"): return word(8, .null)
        default: return .number(String(decoding: bytes[start..<position], as: UTF8.self))
        }
      }
      return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    mutating func string() -> String {
      let start = position + 1
      position = RecordWalk.end(ofValueAt: position, in: bytes)
      return JSONValue.string(inside: bytes[start..<position - 1])
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import CRecordScanner

extension JSONValue {
  /// The value as compact JSON, on one line.
  public var json: String {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The value as indented JSON, for files that people read; short arrays of scalars stay on one line.
  public var prettyJSON: String {
    var bytes: [UInt8] = []
    writePretty(to: &bytes, indent: 0)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the value as compact JSON (UTF-8).
  public func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(text: "null")
    case .bool(let flag): bytes.append(text: flag ? "true" : "false")
    case .number(let text): bytes.append(text: text)
    case .string(let text): Self.writeString(text, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.writeString(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  /// Appends a string as a JSON string, escaping only what RFC 8259 requires.
  public static func writeString(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      let start = bytes.count
      let length = record_escaped_length(utf8.baseAddress, utf8.count)
      if length == utf8.count { return bytes.append(contentsOf: utf8) }
      bytes.append(contentsOf: repeatElement(0, count: length))
      bytes.withUnsafeMutableBufferPointer { room in
        _ = record_escape(utf8.baseAddress, utf8.count, room.baseAddress.map { $0 + start })
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private func writePretty(to bytes: inout [UInt8], indent: Int) {
    func line(_ depth: Int) {
      bytes.append(0x0A)
      bytes.append(contentsOf: repeatElement(0x20, count: depth * 2))
    }
    switch self {
    case .array(let elements) where !elements.isEmpty && !elements.allSatisfy(\.isScalar):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        line(indent + 1)
        element.writePretty(to: &bytes, indent: indent + 1)
      }
      line(indent)
      bytes.append(UInt8(ascii: "]"))
    case .array(let elements) where elements.count > 1:
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(contentsOf: ", ".utf8) }
        element.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members) where !members.isEmpty:
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        line(indent + 1)
        Self.writeString(member.key, to: &bytes)
        bytes.append(contentsOf: ": ".utf8)
        member.value.writePretty(to: &bytes, indent: indent + 1)
      }
      line(indent)
      bytes.append(UInt8(ascii: "}"))
    default: write(to: &bytes)
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array(let elements): elements.isEmpty
    case .object(let members): members.isEmpty
    default: true
    }
  }
}

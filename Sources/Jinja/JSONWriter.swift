// SPDX-License-Identifier: Apache-2.0

/// Writes values as Python's `json.dumps` does.
struct JSONWriter {
  struct Style {
    var indent: Text?
    var itemSeparator: Text = ", "
    var keySeparator: Text = ": "
    var isASCII = false
    var sortsKeys = false
  }

  private(set) var bytes: [UInt8] = []
  private let style: Style
  private let limit: Int

  init(_ style: Style, limit: Int) {
    self.style = style
    self.limit = limit
  }

  private mutating func write(_ string: String) { bytes.append(contentsOf: string.utf8) }

  mutating func write(_ item: Item, level: Int = 0) throws(TemplateError) {
    guard bytes.count <= limit else { throw TemplateError(.limit, "a string is longer than \(limit) bytes") }
    switch item {
    case .none: write("null")
    case .bool(let value): write(value ? "true" : "false")
    case .int(let value): write(String(value))
    case .double(let value): write(Self.number(value))
    case .string(let text): write(text)
    case .list(let row), .tuple(let row): try write(row.items, level)
    case .dict(let dictionary): try write(dictionary, level)
    case .object(let object):
      guard let group = object as? Group else { throw Self.refusal(item) }
      try write(group.items, level)
    case .undefined: throw Self.refusal(item)
    }
  }

  private static func refusal(_ item: Item) -> TemplateError {
    TemplateError(.type, "Object of type \(item.typeName) is not JSON serializable")
  }

  private static func number(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : value.pythonRepr
  }

  private mutating func newLine(_ level: Int) {
    guard let indent = style.indent else { return }
    bytes.append(10)
    for _ in 0..<level { bytes += indent.bytes }
  }

  private mutating func write(_ items: [Item], _ level: Int) throws(TemplateError) {
    guard !items.isEmpty else { return write("[]") }
    write("[")
    for (index, item) in items.enumerated() {
      if index > 0 { bytes += style.itemSeparator.bytes }
      newLine(level + 1)
      try write(item, level: level + 1)
    }
    newLine(level)
    write("]")
  }

  private mutating func write(_ dictionary: Dictionary, _ level: Int) throws(TemplateError) {
    guard !dictionary.isEmpty else { return write("{}") }
    var order = Array(dictionary.keys.indices)
    if style.sortsKeys {
      let places = order.map { Item.int($0) }
      order = try sorted(places, keys: dictionary.keys, reverse: false).compactMap(\.index)
    }
    write("{")
    for (place, index) in order.enumerated() {
      if place > 0 { bytes += style.itemSeparator.bytes }
      newLine(level + 1)
      write(try Self.key(dictionary.keys[index]))
      bytes += style.keySeparator.bytes
      try write(dictionary.values[index], level: level + 1)
    }
    newLine(level)
    write("}")
  }

  private static func key(_ item: Item) throws(TemplateError) -> Text {
    switch item {
    case .string(let text): return text
    case .none: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return Text(String(value))
    case .double(let value): return Text(number(value))
    default:
      throw TemplateError(.type, "keys must be str, int, float, bool or None, not \(item.typeName)")
    }
  }

  private mutating func write(_ text: Text) {
    bytes.append(UInt8(ascii: "\""))
    if style.isASCII {
      for scalar in text.string.unicodeScalars { writeASCII(scalar) }
    } else {
      for byte in text.bytes { write(byte) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func write(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): write("\\\"")
    case UInt8(ascii: "\\"): write("\\\\")
    case 10: write("\\n")
    case 13: write("\\r")
    case 9: write("\\t")
    case 12: write("\\f")
    case 8: write("\\b")
    case 0..<32: write(Self.escape(UInt16(byte)))
    default: bytes.append(byte)
    }
  }

  private mutating func writeASCII(_ scalar: Unicode.Scalar) {
    if scalar.value < 0x80 {
      write(UInt8(scalar.value))
      return
    }
    for unit in String(scalar).utf16 { write(Self.escape(unit)) }
  }

  private static func escape(_ unit: UInt16) -> String {
    let hex = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Writes values as Python's `str` and `repr` print them.
struct ReprWriter {
  var bytes: [UInt8] = []
  private let limit: Int
  private var depth = 0

  init(limit: Int) { self.limit = limit }

  mutating func write(_ string: String) { bytes.append(contentsOf: string.utf8) }

  /// Runs a part one level deeper; namespaces may hold themselves.
  mutating func descend(_ body: (inout ReprWriter) throws(TemplateError) -> Void) throws(TemplateError) {
    depth += 1
    guard depth <= TemplateLimits.valueDepth else {
      throw TemplateError(.limit, "maximum recursion depth exceeded while getting the repr of an object")
    }
    try body(&self)
    depth -= 1
  }

  /// `repr(item)`.
  mutating func represent(_ item: Item) throws(TemplateError) {
    guard bytes.count <= limit else { throw TemplateError(.limit, "a string is longer than \(limit) bytes") }
    switch item {
    case .undefined: write("Undefined")
    case .none: write("None")
    case .bool(let value): write(value ? "True" : "False")
    case .int(let value): write(String(value))
    case .double(let value): write(value.pythonRepr)
    case .string(let text):
      if text.isMarkup { write("Markup(") }
      represent(text)
      if text.isMarkup { write(")") }
    case .list(let row):
      try descend { writer throws(TemplateError) in try writer.list(row.items, "[", "]") }
    case .tuple(let row):
      try descend { writer throws(TemplateError) in try writer.list(row.items, "(", row.items.count == 1 ? ",)" : ")") }
    case .dict(let dictionary):
      try descend { writer throws(TemplateError) in try writer.dictionary(dictionary) }
    case .object(let object):
      try descend { writer throws(TemplateError) in try object.represented(&writer) }
    }
  }

  private mutating func list(_ items: [Item], _ open: String, _ close: String) throws(TemplateError) {
    write(open)
    for (index, item) in items.enumerated() {
      if index > 0 { write(", ") }
      try represent(item)
    }
    write(close)
  }

  private mutating func dictionary(_ dictionary: Dictionary) throws(TemplateError) {
    write("{")
    for index in dictionary.keys.indices {
      if index > 0 { write(", ") }
      try represent(dictionary.keys[index])
      write(": ")
      try represent(dictionary.values[index])
    }
    write("}")
  }

  private mutating func represent(_ text: Text) {
    let quote: UInt8 = text.bytes.contains(0x27) && !text.bytes.contains(0x22) ? 0x22 : 0x27
    bytes.append(quote)
    for scalar in text.string.unicodeScalars {
      switch scalar {
      case "\n": write("\\n")
      case "\r": write("\\r")
      case "\t": write("\\t")
      case "\\": write("\\\\")
      default:
        if scalar.value == UInt32(quote) {
          bytes.append(0x5C)
          bytes.append(quote)
        } else if scalar.isPythonPrintable {
          bytes.append(contentsOf: Text(CollectionOfOne(scalar)).bytes)
        } else {
          write(Self.escape(scalar))
        }
      }
    }
    bytes.append(quote)
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let (mark, digits) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
    let hex = String(scalar.value, radix: 16)
    return "\\" + mark + String(repeating: "0", count: digits - hex.count) + hex
  }
}

extension Double {
  /// Python's `repr` of a float: the shortest digits that read back the same.
  var pythonRepr: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    let (sign, digits, exponent) = shortestDigits
    if exponent < -4 || exponent >= 16 {
      let tail = digits.count > 1 ? "." + digits.dropFirst() : ""
      let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return "\(sign)\(digits.prefix(1))\(tail)e\(exponent < 0 ? "-" : "+")\(power)"
    }
    if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
    if digits.count <= exponent + 1 {
      return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count) + ".0"
    }
    return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
  }

  /// The shortest digits `d1 d2 …` and the exponent of `d1.d2…e`.
  private var shortestDigits: (sign: String, digits: String, exponent: Int) {
    let sign = self.sign == .minus ? "-" : ""
    guard self != 0 else { return (sign, "0", 0) }
    // Swift prints the shortest digits as well, in another layout.
    let printed = magnitude.description.split(separator: "e")
    var power = printed.count > 1 ? Int(printed[1]) ?? 0 : 0
    let parts = printed[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = parts.joined()
    power += parts[0].count - 1
    while digits.hasPrefix("0") {
      digits.removeFirst()
      power -= 1
    }
    while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
    return (sign, digits, power)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// How one value is laid out: `[[fill]align][sign][#][0][width][,][.precision][type]`.
///
/// Source: Python's "Format Specification Mini-Language"; `%` formatting is expressed in it.
struct FormatSpecification {
  var fill: Unicode.Scalar = " "
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var width = 0
  var grouping: Unicode.Scalar?
  var precision: Int?
  var type: Unicode.Scalar?

  init() {}

  init(_ text: Text) throws(TemplateError) {
    var rest = text.scalars[...]
    let alignments: [Unicode.Scalar] = ["<", ">", "=", "^"]
    if rest.count > 1, alignments.contains(rest[rest.startIndex + 1]) {
      fill = rest.removeFirst()
      alignment = rest.removeFirst()
    } else if let first = rest.first, alignments.contains(first) {
      alignment = rest.removeFirst()
    }
    if let first = rest.first, ["+", "-", " "].contains(first) { sign = rest.removeFirst() }
    if rest.first == "#" {
      isAlternate = true
      rest.removeFirst()
    }
    if rest.first == "0" {
      rest.removeFirst()
      if alignment == nil {
        fill = "0"
        alignment = "="
      }
    }
    width = try Self.number(&rest) ?? 0
    if let first = rest.first, first == "," || first == "_" { grouping = rest.removeFirst() }
    if rest.first == "." {
      rest.removeFirst()
      guard let digits = try Self.number(&rest) else {
        throw TemplateError(.value, "Format specifier missing precision")
      }
      precision = digits
    }
    type = rest.popFirst()
    guard rest.isEmpty else { throw TemplateError(.value, "Invalid format specifier") }
  }

  static func number(_ rest: inout ArraySlice<Unicode.Scalar>) throws(TemplateError) -> Int? {
    let digits = rest.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    rest = rest.dropFirst(digits.count)
    guard let value = Int(String(String.UnicodeScalarView(digits))), value <= 100_000 else {
      throw TemplateError(.value, "Too many decimal digits in format string")
    }
    return value
  }

  /// `format(item, specification)`.
  func text(_ item: Item, _ interpreter: Interpreter) throws(TemplateError) -> Text {
    if case .bool = item, type == nil || type == "s" { return try laidOut(interpreter.string(item)) }
    if let number = item.number { return try text(number, item) }
    switch item {
    case .string(let text):
      guard type == nil || type == "s" else { throw unknown(item) }
      guard sign == "-", alignment != "=" else {
        throw TemplateError(
          .value,
          sign == "-"
            ? "'=' alignment not allowed in string format specifier" : "Sign not allowed in string format specifier")
      }
      return laidOut(text)
    default:
      guard self.isDefault else {
        throw TemplateError(.type, "unsupported format string passed to \(item.typeName).__format__")
      }
      return try interpreter.string(item)
    }
  }

  private var isDefault: Bool {
    alignment == nil && sign == "-" && !isAlternate && width == 0 && grouping == nil && precision == nil && type == nil
  }

  private func unknown(_ item: Item) -> TemplateError {
    TemplateError(
      .value, "Unknown format code '\(type.map { String($0) } ?? "")' for object of type '\(item.typeName)'")
  }

  /// Cuts to the precision and fills to the width.
  func laidOut(_ text: Text) -> Text {
    var scalars = text.scalars
    if let precision { scalars = Array(scalars.prefix(precision)) }
    return filled("", scalars, defaultAlignment: "<")
  }

  private func filled(_ sign: String, _ body: [Unicode.Scalar], defaultAlignment: Unicode.Scalar) -> Text {
    let signs = Array(sign.unicodeScalars)
    let space = max(0, width - signs.count - body.count)
    func fill(_ count: Int) -> [Unicode.Scalar] { Array(repeating: self.fill, count: count) }
    switch alignment ?? defaultAlignment {
    case "<": return Text(signs + body + fill(space))
    case "=": return Text(signs + fill(space) + body)
    case "^": return Text(fill(space / 2) + signs + body + fill(space - space / 2))
    default: return Text(fill(space) + signs + body)
    }
  }

  private func text(_ number: Number, _ item: Item) throws(TemplateError) -> Text {
    let isNegative: Bool
    let body: String
    switch (number, type) {
    case (.int(let value), nil), (.int(let value), "d"), (.int(let value), "n"):
      isNegative = value < 0
      body = grouped(String(value.magnitude))
    case (.int(let value), "x"), (.int(let value), "X"), (.int(let value), "o"), (.int(let value), "b"):
      isNegative = value < 0
      body = radix(value.magnitude)
    case (.int(let value), "c"):
      guard let scalar = Unicode.Scalar(UInt32(clamping: value)) else {
        throw TemplateError(.overflow, "%c arg not in range(0x110000)")
      }
      return laidOut(Text(CollectionOfOne(scalar)))
    case (_, nil), (_, "e"), (_, "E"), (_, "f"), (_, "F"), (_, "g"), (_, "G"), (_, "%"):
      let value = number.double
      isNegative = value.sign == .minus && !value.isNaN
      body = fraction(value)
    default: throw unknown(item)
    }
    let mark = isNegative ? "-" : sign == "-" ? "" : String(sign)
    return filled(mark, Array(body.unicodeScalars), defaultAlignment: ">")
  }

  private func radix(_ magnitude: UInt) -> String {
    let (radix, prefix) = type == "o" ? (8, "0o") : type == "b" ? (2, "0b") : (16, type == "X" ? "0X" : "0x")
    return (isAlternate ? prefix : "") + String(magnitude, radix: radix, uppercase: type == "X")
  }

  private func grouped(_ digits: String) -> String {
    guard let grouping else { return digits }
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.unicodeScalars.append(grouping) }
      result.append(digit)
    }
    return result
  }

  private func fraction(_ value: Double) -> String {
    let isUpper = type == "E" || type == "F" || type == "G"
    if value.isNaN { return (isUpper ? "NAN" : "nan") + (type == "%" ? "%" : "") }
    if value.isInfinite { return (isUpper ? "INF" : "inf") + (type == "%" ? "%" : "") }
    switch type {
    case nil: return precision == nil ? grouping(value.magnitude.pythonRepr) : general(value, isDefault: true)
    case "f", "F": return grouping(Decimals.fixed(value, precision ?? 6))
    case "%": return grouping(Decimals.fixed(value * 100, precision ?? 6)) + "%"
    case "e", "E":
      let (digits, exponent) = Decimals.significant(value, (precision ?? 6) + 1)
      return scientific(digits, exponent, isUpper)
    default: return general(value, isDefault: false)
    }
  }

  private func grouping(_ digits: String) -> String {
    guard grouping != nil, let point = digits.firstIndex(where: { $0 == "." || $0 == "e" }) else {
      return grouped(digits)
    }
    return grouped(String(digits[..<point])) + digits[point...]
  }

  private func scientific(_ digits: String, _ exponent: Int, _ isUpper: Bool) -> String {
    let tail = digits.dropFirst()
    let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return
      "\(digits.prefix(1))\(tail.isEmpty ? "" : "." + tail)\(isUpper ? "E" : "e")\(exponent < 0 ? "-" : "+")\(power)"
  }

  private func general(_ value: Double, isDefault: Bool) -> String {
    let count = max(1, precision ?? 6)
    var (digits, exponent) = Decimals.significant(value, count)
    if !isAlternate { while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() } }
    let limit = isDefault ? count - 1 : count
    if exponent < -4 || exponent >= max(limit, isDefault ? 1 : 0) { return scientific(digits, exponent, type == "G") }
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
    let whole = exponent + 1
    if digits.count <= whole {
      return grouped(digits + String(repeating: "0", count: whole - digits.count)) + (isDefault ? ".0" : "")
    }
    return grouped(String(digits.prefix(whole))) + "." + digits.dropFirst(whole)
  }
}

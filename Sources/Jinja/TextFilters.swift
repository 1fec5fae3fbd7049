// SPDX-License-Identifier: Apache-2.0

/// The filters that make strings.
enum TextFilters {
  private static func filter(
    _ name: String, _ parameters: [StaticString] = [], required: Int = 0,
    _ body: @escaping @Sendable (Interpreter, Text, [Item?]) throws(TemplateError) -> Item
  ) -> FilterFunction {
    FilterTable.filter(name, parameters, required: required) { (interpreter, value, values) throws(TemplateError) in
      let text = try interpreter.string(value)
      try interpreter.spend(bytes: text.bytes.count)
      return try body(interpreter, text, values)
    }
  }

  /// Calls a method of the string that a value prints as.
  private static func method(_ name: Text, _ parameters: [StaticString] = []) -> FilterFunction {
    let method = StringMethods.table[name]
    return filter(name.string, parameters) { (interpreter, text, values) throws(TemplateError) in
      try method?(interpreter, .string(text), Arguments(positional: values.compactMap { $0 })) ?? .none
    }
  }

  static let table: [String: FilterFunction] = [
    "upper": method("upper"), "lower": method("lower"), "capitalize": method("capitalize"),
    "trim": filter("trim", ["chars"]) { (_, text, values) throws(TemplateError) in
      guard let chars = values[0], !chars.isNone else { return .string(text.stripped().marked(like: text)) }
      return .string(text.stripped(of: try StringMethods.text(chars, "strip arg")).marked(like: text))
    },
    "string": filter("string") { (_, text, _) throws(TemplateError) in .string(text) },
    "title": filter("title") { (interpreter, text, _) throws(TemplateError) in
      try interpreter.made(titled(text).marked(like: text))
    },
    "center": filter("center", ["width"]) { (interpreter, text, values) throws(TemplateError) in
      let width = try FilterTable.whole(values[0], default: 80)
      return try StringMethods.table["center"]?(interpreter, .string(text), Arguments(positional: [.int(width)]))
        ?? .none
    },
    "replace": filter("replace", ["old", "new", "count"], required: 2) {
      (interpreter, text, values) throws(TemplateError) in
      let limit = values[2].map(\.isNone) ?? true ? -1 : try FilterTable.whole(values[2], default: -1)
      let old = try interpreter.string(values[0] ?? .none)
      let new = try interpreter.string(values[1] ?? .none)
      return .string(try StringMethods.replaced(text, old, new, limit, interpreter))
    },
    "e": escape, "escape": escape,
    "forceescape": filter("forceescape") { (interpreter, text, _) throws(TemplateError) in
      try interpreter.made(HTMLText.forced(text))
    },
    "safe": filter("safe") { (_, text, _) throws(TemplateError) in .string(Text(text.bytes, isMarkup: true)) },
    "indent": FilterTable.filter("indent", ["width", "first", "blank"]) {
      (interpreter, value, values) throws(TemplateError) in
      guard case .string(let text) = value else {
        if case .undefined(let missing) = value { throw missing.error }
        throw TemplateError(.type, "unsupported operand type(s) for +=: '\(value.typeName)' and 'str'")
      }
      return try indented(text, values, interpreter)
    },
    "truncate": FilterTable.filter("truncate", ["length", "killwords", "end", "leeway"]) {
      (interpreter, value, values) throws(TemplateError) in
      try truncated(value, values, interpreter)
    },
    "wordcount": filter("wordcount") { (_, text, _) throws(TemplateError) in
      var words = 0
      var isInside = false
      for scalar in text.string.unicodeScalars {
        let isPart = scalar == "_" || scalar.isPythonAlphanumeric
        if isPart, !isInside { words += 1 }
        isInside = isPart
      }
      return .int(words)
    },
    "format": { (interpreter, value, arguments) throws(TemplateError) in
      guard arguments.positional.isEmpty || arguments.named.isEmpty else {
        throw TemplateError(.type, "can't handle positional and keyword arguments at the same time")
      }
      let values =
        arguments.named.isEmpty
        ? Item.tuple(try Row(arguments.positional))
        : .dict(try Dictionary(arguments.named.map { (.string($0.name), $0.value) }))
      return try interpreter.made(PercentFormat.text(try interpreter.string(value), values, interpreter))
    },
    "urlencode": FilterTable.filter("urlencode") { (interpreter, value, _) throws(TemplateError) in
      try urlEncoded(value, interpreter)
    },
  ]

  private static let escape = filter("escape") { (interpreter, text, _) throws(TemplateError) in
    try interpreter.made(HTMLText.escaped(text))
  }

  /// Each word with its first letter upper and the others lower; words end at spaces and `-({[<`.
  private static func titled(_ text: Text) -> Text {
    let breaks: Set<Unicode.Scalar> = ["-", "(", "{", "[", "<"]
    var output = ""
    for part in text.scalars.split(
      omittingEmptySubsequences: false, whereSeparator: { breaks.contains($0) || $0.isPythonSpace })
    {
      if let first = part.first {
        output += first.properties.uppercaseMapping + Text(Array(part.dropFirst())).lowercased.string
      }
      if part.endIndex < text.count { output.unicodeScalars.append(text.scalars[part.endIndex]) }
    }
    return Text(output)
  }

  private static func indented(
    _ text: Text, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    let indent: Text
    if case .string(let given)? = values[0] {
      indent = given
    } else {
      let width = max(0, try FilterTable.whole(values[0], default: 4))
      try interpreter.spend(bytes: width)
      indent = Text(Array(repeating: UInt8(ascii: " "), count: width))
    }
    let lines = Text(text.bytes + [10]).lines()
    try interpreter.spend(
      bytes: lines.count.multipliedReportingOverflow(by: indent.bytes.count + 1).partialValue + text.bytes.count)
    let indentsBlank = values[2]?.isTrue ?? false
    var output = lines.first?.bytes ?? []
    for line in lines.dropFirst() {
      output.append(10)
      if indentsBlank || !line.isEmpty { output += indent.bytes }
      output += line.bytes
    }
    if values[1]?.isTrue ?? false { output = indent.bytes + output }
    return .string(Text(output, isMarkup: text.isMarkup))
  }

  private static func truncated(
    _ value: Item, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    guard let count = try interpreter.length(of: value) else {
      throw TemplateError(.type, "object of type '\(value.typeName)' has no len()")
    }
    let length = try FilterTable.whole(values[0], default: 255)
    let end = try values[2].map { (item) throws(TemplateError) in try StringMethods.text(item, "end") } ?? "..."
    let leeway = values[3].map(\.isNone) ?? true ? 5 : try FilterTable.whole(values[3], default: 5)
    guard length >= end.count else { throw TemplateError(.value, "expected length >= \(end.count), got \(length)") }
    guard leeway >= 0 else { throw TemplateError(.value, "expected leeway >= 0, got \(leeway)") }
    if count <= length || count - length <= leeway { return value }
    guard case .string(let text) = value else {
      throw TemplateError(.type, "'\(value.typeName)' cannot be truncated")
    }
    let cut = text.picking(StridedPositions(start: 0, stop: length - end.count, step: 1, length: count))
    let kept = values[1]?.isTrue ?? false ? cut : cut.splitFromEnd(by: " ", limit: 1)[0]
    return try interpreter.made((kept + end).marked(like: text))
  }

  private static func urlEncoded(_ value: Item, _ interpreter: Interpreter) throws(TemplateError) -> Item {
    func quoted(_ item: Item, isQuery: Bool) throws(TemplateError) -> [UInt8] {
      var bytes: [UInt8] = []
      for byte in try interpreter.string(item).bytes {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "~"):
          bytes.append(byte)
        case UInt8(ascii: "/") where !isQuery: bytes.append(byte)
        case 32 where isQuery: bytes.append(UInt8(ascii: "+"))
        default:
          let hex = String(byte, radix: 16, uppercase: true)
          bytes += "%\(hex.count < 2 ? "0" : "")\(hex)".utf8
        }
      }
      return bytes
    }
    if value.text != nil { return try interpreter.made(Text(try quoted(value, isQuery: false))) }
    guard try interpreter.isIterable(value) else {
      return try interpreter.made(Text(try quoted(value, isQuery: false)))
    }
    let pairs = if case .dict(let members) = value { try members.pairs() } else { try interpreter.items(of: value) }
    var bytes: [UInt8] = []
    for (index, pair) in pairs.enumerated() {
      let parts = try interpreter.items(of: pair)
      guard parts.count == 2 else { throw TemplateError(.value, "urlencode needs pairs of a key and a value") }
      if index > 0 { bytes.append(UInt8(ascii: "&")) }
      bytes += try quoted(parts[0], isQuery: true)
      bytes.append(UInt8(ascii: "="))
      bytes += try quoted(parts[1], isQuery: true)
    }
    return try interpreter.made(Text(bytes))
  }
}

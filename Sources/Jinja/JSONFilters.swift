// SPDX-License-Identifier: Apache-2.0

/// The filter `tojson`.
enum JSONFilters {
  /// As transformers has it: no HTML is escaped.
  static let chat = FilterTable.filter("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"]) {
    (interpreter, value, values) throws(TemplateError) in
    var style = try style(indent: values[1], interpreter)
    style.isASCII = values[0]?.isTrue ?? false
    style.sortsKeys = values[3]?.isTrue ?? false
    if let separators = values[2], !separators.isNone {
      let pair = try interpreter.items(of: separators, unpacking: true)
      guard pair.count == 2 else {
        throw TemplateError(.value, "separators must be two strings: between items, and after a key")
      }
      style.itemSeparator = try StringMethods.text(pair[0], "the first separator")
      style.keySeparator = try StringMethods.text(pair[1], "the second separator")
    }
    return .string(try text(value, style, interpreter))
  }

  /// As Jinja has it: keys are sorted, and HTML and what is not ASCII is escaped.
  static let plain = FilterTable.filter("tojson", ["indent"]) { (interpreter, value, values) throws(TemplateError) in
    var style = try style(indent: values[0], interpreter)
    style.isASCII = true
    style.sortsKeys = true
    var bytes: [UInt8] = []
    for byte in try text(value, style, interpreter).bytes {
      switch byte {
      case UInt8(ascii: "<"): bytes += "\\u003c".utf8
      case UInt8(ascii: ">"): bytes += "\\u003e".utf8
      case UInt8(ascii: "&"): bytes += "\\u0026".utf8
      case UInt8(ascii: "'"): bytes += "\\u0027".utf8
      default: bytes.append(byte)
      }
    }
    return try interpreter.made(Text(bytes, isMarkup: true))
  }

  private static func text(
    _ value: Item, _ style: JSONWriter.Style, _ interpreter: Interpreter
  ) throws(TemplateError) -> Text {
    var writer = JSONWriter(style, limit: interpreter.options.limits.outputBytes)
    try writer.write(value)
    try interpreter.spend(bytes: writer.bytes.count)
    return Text(writer.bytes)
  }

  private static func style(indent: Item?, _ interpreter: Interpreter) throws(TemplateError) -> JSONWriter.Style {
    var style = JSONWriter.Style()
    guard let indent, !indent.isNone else { return style }
    if case .string(let text) = indent {
      style.indent = text
    } else {
      let width = max(0, try FilterTable.whole(indent, default: 0))
      guard width <= 1000 else { throw TemplateError(.limit, "an indent of \(width) spaces is more than 1000") }
      style.indent = Text(Array(repeating: UInt8(ascii: " "), count: width))
    }
    style.itemSeparator = ","
    return style
  }
}

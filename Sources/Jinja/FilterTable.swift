// SPDX-License-Identifier: Apache-2.0

/// A filter, as in `value | trim`.
typealias FilterFunction =
  @Sendable (
    _ interpreter: Interpreter, _ value: Item, _ arguments: Arguments
  ) throws(TemplateError) -> Item

/// The filters of Jinja by name.
///
/// Source: `jinja2/filters.py`.
enum FilterTable {
  static func filter(_ name: String, _ dialect: TemplateOptions.Dialect) -> FilterFunction? {
    if name == "tojson" { return dialect == .chat ? JSONFilters.chat : JSONFilters.plain }
    return table[name]
  }

  private static let table: [String: FilterFunction] = {
    var table = TextFilters.table
    for part in [NumberFilters.table, SequenceFilters.table, SelectionFilters.table, OrderFilters.table] {
      table.merge(part) { $1 }
    }
    for name in ["filesizeformat", "pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr"] {
      table[name] = unsupported(name)
    }
    return table
  }()

  private static func unsupported(_ name: String) -> FilterFunction {
    filter(name) { (interpreter, value, values) throws(TemplateError) -> Item in
      throw TemplateError(.unsupported, "the filter '\(name)' is not supported")
    }
  }

  /// A filter with parameters by position.
  static func filter(
    _ name: String, _ parameters: [StaticString] = [], required: Int = 0,
    _ body:
      @escaping @Sendable (
        _ interpreter: Interpreter, _ value: Item, _ values: [Item?]
      ) throws(TemplateError) -> Item
  ) -> FilterFunction {
    { (interpreter, value, arguments) throws(TemplateError) in
      if arguments.isEmpty, required == 0 {
        return try body(interpreter, value, Array(repeating: nil, count: parameters.count))
      }
      return try body(interpreter, value, arguments.bound(name, parameters, required: required))
    }
  }

  static func whole(_ item: Item?, default fallback: Int) throws(TemplateError) -> Int {
    guard let item else { return fallback }
    if let index = item.index { return index }
    if case .undefined(let missing) = item { throw missing.error }
    throw TemplateError(.type, "'\(item.typeName)' object cannot be interpreted as an integer")
  }
}

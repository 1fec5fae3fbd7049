// SPDX-License-Identifier: Apache-2.0

/// A test, as in `value is even`.
typealias TestFunction =
  @Sendable (
    _ interpreter: Interpreter, _ value: Item, _ arguments: Arguments
  ) throws(TemplateError) -> Bool

/// The tests of Jinja.
///
/// Source: `jinja2/tests.py`.
enum TestTable {
  static let tests: [String: TestFunction] = {
    var table: [String: TestFunction] = [
      "defined": plain { !$0.isUndefined }, "undefined": plain { $0.isUndefined },
      "none": plain { $0.isNone },
      "boolean": plain { if case .bool = $0 { true } else { false } },
      "true": plain { if case .bool(true) = $0 { true } else { false } },
      "false": plain { if case .bool(false) = $0 { true } else { false } },
      "integer": plain { if case .int = $0 { true } else { false } },
      "float": plain { if case .double = $0 { true } else { false } },
      "number": plain { $0.number != nil },
      "string": plain { $0.text != nil },
      "mapping": plain { if case .dict = $0 { true } else { false } },
      "callable": plain { if case .object(let object) = $0 { object.isCallable } else { $0.isUndefined } },
      "escaped": plain { $0.text?.isMarkup ?? false },
      "iterable": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        return try interpreter.isIterable(value)
      },
      "sequence": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        return try isSequence(value, interpreter)
      },
      "lower": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        return Methods.isLower(try text(value, interpreter))
      },
      "upper": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        return Methods.isUpper(try text(value, interpreter))
      },
      "odd": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        return try remainder(value, .int(2), interpreter) == .int(1)
      },
      "even": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        return try remainder(value, .int(2), interpreter) == .int(0)
      },
      "divisibleby": { (interpreter, value, arguments) throws(TemplateError) in
        let number = try arguments.bound("divisibleby", ["num"], required: 1)[0] ?? .none
        return try remainder(value, number, interpreter) == .int(0)
      },
      "in": { (interpreter, value, arguments) throws(TemplateError) in
        try interpreter.contains(try arguments.bound("in", ["seq"], required: 1)[0] ?? .none, value)
      },
      "sameas": { (interpreter, value, arguments) throws(TemplateError) in
        isSame(value, try arguments.bound("sameas", ["other"], required: 1)[0] ?? .none)
      },
      "filter": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        try value.checkHashable()
        return value.text.map { FilterTable.filter($0.string, interpreter.options.dialect) != nil } ?? false
      },
      "test": { (interpreter, value, arguments) throws(TemplateError) in
        try none(arguments)
        try value.checkHashable()
        return value.text.map { tests[$0.string] != nil } ?? false
      },
    ]
    let comparisons: [(Comparison, [String])] = [
      (.equal, ["==", "eq", "equalto"]), (.unequal, ["!=", "ne"]), (.greater, [">", "gt", "greaterthan"]),
      (.greaterOrEqual, [">=", "ge"]), (.less, ["<", "lt", "lessthan"]), (.lessOrEqual, ["<=", "le"]),
    ]
    for (comparison, names) in comparisons {
      for name in names {
        table[name] = test(name, comparison)
      }
    }
    return table
  }()

  private static func text(_ value: Item, _ interpreter: Interpreter) throws(TemplateError) -> Text {
    let text = try interpreter.string(value)
    try interpreter.spend(bytes: text.bytes.count)
    return text
  }

  private static func test(_ name: String, _ comparison: Comparison) -> TestFunction {
    { (interpreter, value, arguments) throws(TemplateError) in
      guard arguments.named.isEmpty, arguments.positional.count == 1 else {
        throw TemplateError(.type, "\(name) expected 2 arguments, got \(arguments.positional.count + 1)")
      }
      return try interpreter.holds(comparison, value, arguments.positional[0])
    }
  }

  private static func plain(_ test: @escaping @Sendable (Item) -> Bool) -> TestFunction {
    { (_, value, arguments) throws(TemplateError) in
      try none(arguments)
      return test(value)
    }
  }

  private static func none(_ arguments: Arguments) throws(TemplateError) {
    if !arguments.isEmpty { throw TemplateError(.type, "the test takes no argument") }
  }

  private static func remainder(_ value: Item, _ divisor: Item, _ interpreter: Interpreter) throws(TemplateError)
    -> Item
  {
    try Arithmetic.result(.remainder, value, divisor, interpreter)
  }

  private static func isSequence(_ value: Item, _ interpreter: Interpreter) throws(TemplateError) -> Bool {
    switch value {
    case .string, .list, .tuple, .dict, .undefined: true
    case .object(let object): try object.sequence() != nil
    default: false
    }
  }

  private static func isSame(_ value: Item, _ other: Item) -> Bool {
    switch (value, other) {
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): a === b
    case (.dict(let a), .dict(let b)): a === b
    case (.object(let a), .object(let b)): a === b
    case (.undefined(let a), .undefined(let b)): a === b
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.none, .none): true
    default: false
    }
  }
}

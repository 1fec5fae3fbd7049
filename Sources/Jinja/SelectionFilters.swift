// SPDX-License-Identifier: Apache-2.0

/// The filters that apply a filter or a test to each item: they give each item when it is asked for, once.
enum SelectionFilters {
  static let table: [String: FilterFunction] = [
    "map": map,
    "select": selection(keeping: true, byAttribute: false), "reject": selection(keeping: false, byAttribute: false),
    "selectattr": selection(keeping: true, byAttribute: true),
    "rejectattr": selection(keeping: false, byAttribute: true),
  ]

  /// How deep such iterations may be made of others.
  private static func check(_ depth: Int) throws(TemplateError) {
    guard depth < 50 else { throw TemplateError(.limit, "more than 50 filters such as 'map' follow one another") }
  }

  /// An iteration that works on the items of a value when it is first asked.
  private static func iteration(
    over value: Item, _ interpreter: Interpreter,
    _ step: @escaping (Iteration) throws(TemplateError) -> Item?
  ) throws(TemplateError) -> Item {
    let depth = value.depth + 1
    try check(depth)
    guard value.isTrue else { return .object(Iteration { nil }) }
    var source: Iteration?
    return .object(
      Iteration(depth: depth) { [unowned interpreter] () throws(TemplateError) in
        let items = if let source { source } else { try interpreter.iteration(of: value) }
        source = items
        return try interpreter.descend { () throws(TemplateError) in try step(items) }
      })
  }

  private static let map: FilterFunction = { (interpreter, value, arguments) throws(TemplateError) in
    try iteration(over: value, interpreter) { [unowned interpreter] (items) throws(TemplateError) in
      let change = try mapping(arguments, interpreter)
      guard let item = try items.nextItem() else { return nil }
      try interpreter.spend()
      return try change(item)
    }
  }

  private static func mapping(
    _ arguments: Arguments, _ interpreter: Interpreter
  ) throws(TemplateError) -> (Item) throws(TemplateError) -> Item {
    if arguments.positional.isEmpty, let attribute = arguments.named.first(where: { $0.name == "attribute" })?.value {
      let fallback = arguments.named.first { $0.name == "default" }?.value
      if let odd = arguments.named.first(where: { $0.name != "attribute" && $0.name != "default" }) {
        throw TemplateError(.type, "Unexpected keyword argument '\(odd.name.string)'")
      }
      return { [unowned interpreter] (item) throws(TemplateError) in
        guard let fallback, !fallback.isNone else { return try SequenceFilters.part(item, attribute, interpreter) }
        return try defaulted(item, attribute, fallback, interpreter)
      }
    }
    guard let name = arguments.positional.first else { throw TemplateError(.type, "map requires a filter argument") }
    let rest = Arguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
    guard let filter = FilterTable.filter(try interpreter.string(name).string, interpreter.options.dialect) else {
      throw TemplateError(.runtime, "No filter named '\(try interpreter.string(name).string)'.")
    }
    return { [unowned interpreter] (item) throws(TemplateError) in try filter(interpreter, item, rest) }
  }

  /// The value at a path, where each missing part becomes the default.
  private static func defaulted(
    _ item: Item, _ path: Item, _ fallback: Item, _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    guard case .string(let text) = path else {
      let value = try SequenceFilters.part(item, path, interpreter)
      return value.isUndefined ? fallback : value
    }
    var value = item
    for name in text.split(by: ".", limit: -1) {
      value = try SequenceFilters.part(value, .string(name), interpreter)
      if value.isUndefined { value = fallback }
    }
    return value
  }

  private static func selection(keeping: Bool, byAttribute: Bool) -> FilterFunction {
    { (interpreter, value, arguments) throws(TemplateError) in
      try iteration(over: value, interpreter) { [unowned interpreter] (items) throws(TemplateError) in
        let holds = try condition(arguments, byAttribute, interpreter)
        while let item = try items.nextItem() {
          try interpreter.spend()
          if try holds(item) == keeping { return item }
        }
        return nil
      }
    }
  }

  private static func condition(
    _ arguments: Arguments, _ byAttribute: Bool, _ interpreter: Interpreter
  ) throws(TemplateError) -> (Item) throws(TemplateError) -> Bool {
    var positional = arguments.positional[...]
    var path: Item?
    if byAttribute {
      guard let first = positional.popFirst() else {
        throw TemplateError(.type, "Missing parameter for attribute name")
      }
      path = first
    }
    guard let name = positional.popFirst() else {
      return { [unowned interpreter] (item) throws(TemplateError) in
        try SequenceFilters.part(item, path, interpreter).isTrue
      }
    }
    let testName = try interpreter.string(name).string
    guard let test = TestTable.tests[testName] else {
      throw TemplateError(.runtime, "No test named '\(testName)'.")
    }
    let rest = Arguments(positional: Array(positional), named: arguments.named)
    return { [unowned interpreter] (item) throws(TemplateError) in
      try test(interpreter, try SequenceFilters.part(item, path, interpreter), rest)
    }
  }
}

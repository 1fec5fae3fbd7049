// SPDX-License-Identifier: Apache-2.0

/// The filters that take or make sequences.
enum SequenceFilters {
  static let table: [String: FilterFunction] = [
    "length": length, "count": length,
    "default": fallback, "d": fallback,
    "list": FilterTable.filter("list") { (interpreter, value, _) throws(TemplateError) in
      try interpreter.list(try interpreter.items(of: value))
    },
    "first": FilterTable.filter("first") { (interpreter, value, _) throws(TemplateError) in
      try interpreter.iteration(of: value).nextItem() ?? .undefined(Missing("No first item, sequence was empty."))
    },
    "last": FilterTable.filter("last") { (interpreter, value, _) throws(TemplateError) in
      try reversed(value, interpreter).first ?? .undefined(Missing("No last item, sequence was empty."))
    },
    "reverse": FilterTable.filter("reverse") { (interpreter, value, _) throws(TemplateError) in
      if case .string(let text) = value {
        return try interpreter.made(Text(text.scalars.reversed()).marked(like: text))
      }
      if case .object(let object) = value, object is Iteration {
        return try interpreter.list(try interpreter.items(of: value).reversed())
      }
      return .object(
        Iteration(of: try reversed(value, interpreter), typeName: "list_reverseiterator", depth: value.depth))
    },
    "join": FilterTable.filter("join", ["d", "attribute"]) { (interpreter, value, values) throws(TemplateError) in
      try joined(value, values, interpreter)
    },
    "items": FilterTable.filter("items") { (interpreter, value, _) throws(TemplateError) in
      switch value {
      case .undefined: return .object(Iteration { nil })
      case .dict(let members):
        return .object(Iteration(of: try members.pairs(), typeName: "generator", depth: members.depth + 1))
      default: throw TemplateError(.type, "Can only get item pairs from a mapping.")
      }
    },
    "sum": FilterTable.filter("sum", ["attribute", "start"]) { (interpreter, value, values) throws(TemplateError) in
      var total = values[1] ?? .int(0)
      if case .string = total {
        throw TemplateError(.type, "sum() can't sum strings [use ''.join(seq) instead]")
      }
      for item in try interpreter.items(of: value) {
        total = try Arithmetic.result(.add, total, try part(item, values[0], interpreter), interpreter)
      }
      return total
    },
    "batch": FilterTable.filter("batch", ["linecount", "fill_with"], required: 1) {
      (interpreter, value, values) throws(TemplateError) in
      try batches(value, values, interpreter)
    },
    "slice": FilterTable.filter("slice", ["slices", "fill_with"], required: 1) {
      (interpreter, value, values) throws(TemplateError) in
      try slices(value, values, interpreter)
    },
    "attr": FilterTable.filter("attr", ["name"], required: 1) { (interpreter, value, values) throws(TemplateError) in
      guard case .string(let name)? = values[0] else { throw TemplateError(.type, "attribute name must be string") }
      if case .dict = value, Methods.method(name, of: value) == nil, !Methods.isHidden(name, of: value) {
        return .undefined(Missing("'dict object' has no attribute '\(name.string)'"))
      }
      return try interpreter.attribute(name, of: value)
    },
  ]

  private static let length = FilterTable.filter("length") { (interpreter, value, _) throws(TemplateError) in
    if let length = try interpreter.length(of: value) { return .int(length) }
    throw TemplateError(.type, "object of type '\(value.typeName)' has no len()")
  }

  private static let fallback = FilterTable.filter("default", ["default_value", "boolean"]) {
    (interpreter, value, values) throws(TemplateError) in
    value.isUndefined || (values[1]?.isTrue ?? false && !value.isTrue) ? values[0] ?? .empty : value
  }

  /// What Python's `reversed` gives.
  private static func reversed(_ value: Item, _ interpreter: Interpreter) throws(TemplateError) -> [Item] {
    if case .object(let object) = value {
      guard try object.sequence() != nil || object is DictionaryView else {
        throw TemplateError(.type, "'\(value.typeName)' object is not reversible")
      }
    }
    if case .undefined(let missing) = value {
      _ = missing
      return []
    }
    guard try interpreter.isIterable(value) else {
      throw TemplateError(.type, "'\(value.typeName)' object is not reversible")
    }
    return try interpreter.items(of: value).reversed()
  }

  /// The value at a path such as `name` or `function.name` in an item; the item itself without a path.
  static func part(_ item: Item, _ path: Item?, _ interpreter: Interpreter) throws(TemplateError) -> Item {
    guard let path, !path.isNone else { return item }
    guard case .string(let text) = path else { return try interpreter.element(path, of: item) }
    var value = item
    for name in text.split(by: ".", limit: -1) {
      let isIndex = !name.isEmpty && name.bytes.allSatisfy { (48...57).contains($0) }
      value = try interpreter.element(
        isIndex ? Int(name.string).map { .int($0) } ?? .string(name) : .string(name), of: value)
    }
    return value
  }

  private static func joined(
    _ value: Item, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    let separator = if let given = values[0] { try interpreter.string(given) } else { Text([UInt8]()) }
    var bytes: [UInt8] = []
    for (index, item) in try interpreter.items(of: value).enumerated() {
      if index > 0 { bytes += separator.bytes }
      bytes += try interpreter.string(try part(item, values[1], interpreter)).bytes
      guard bytes.count <= interpreter.options.limits.outputBytes else {
        throw TemplateError(.limit, "a string is longer than \(interpreter.options.limits.outputBytes) bytes")
      }
    }
    return try interpreter.made(Text(bytes))
  }

  private static func batches(
    _ value: Item, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    let size = try FilterTable.whole(values[0], default: 1)
    var batches: [Item] = []
    var batch: [Item] = []
    for item in try interpreter.items(of: value) {
      if batch.count == size {
        batches.append(try interpreter.list(batch))
        batch = []
      }
      batch.append(item)
    }
    if !batch.isEmpty {
      if let fill = values[1], !fill.isNone, batch.count < size {
        try interpreter.spend(size)
        batch += Array(repeating: fill, count: size - batch.count)
      }
      batches.append(try interpreter.list(batch))
    }
    return .object(Iteration(of: batches, typeName: "generator", depth: value.depth + 1))
  }

  private static func slices(
    _ value: Item, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    let items = try interpreter.items(of: value)
    let count = try FilterTable.whole(values[0], default: 1)
    guard count != 0 else { throw TemplateError(.zeroDivision, "integer division or modulo by zero") }
    guard count > 0 else { return .object(Iteration { nil }) }
    try interpreter.spend(count)
    let (size, extra) = items.count.quotientAndRemainder(dividingBy: count)
    var offset = 0
    var slices: [Item] = []
    for slice in 0..<count {
      let start = offset + slice * size
      if slice < extra { offset += 1 }
      var part = Array(items[start..<offset + (slice + 1) * size])
      if let fill = values[1], !fill.isNone, slice >= extra { part.append(fill) }
      slices.append(try interpreter.list(part))
    }
    return .object(Iteration(of: slices, typeName: "generator", depth: value.depth + 1))
  }
}

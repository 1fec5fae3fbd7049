// SPDX-License-Identifier: Apache-2.0

/// The filters that compare items.
enum OrderFilters {
  static let table: [String: FilterFunction] = [
    "sort": FilterTable.filter("sort", ["reverse", "case_sensitive", "attribute"]) {
      (interpreter, value, values) throws(TemplateError) in
      let items = try interpreter.items(of: value)
      var keys: [Item] = []
      for item in items { keys.append(try multipleKey(item, values[2], values[1], interpreter)) }
      try spendSorting(keys, interpreter)
      return try interpreter.list(try sorted(items, keys: keys, reverse: values[0]?.isTrue ?? false))
    },
    "dictsort": FilterTable.filter("dictsort", ["case_sensitive", "by", "reverse"]) {
      (interpreter, value, values) throws(TemplateError) in
      try dictionarySorted(value, values, interpreter)
    },
    "unique": FilterTable.filter("unique", ["case_sensitive", "attribute"]) {
      (interpreter, value, values) throws(TemplateError) in
      var seen: Set<Item> = []
      var kept: [Item] = []
      for item in try interpreter.items(of: value) {
        let key = try key(item, values[1], values[0], interpreter)
        try key.checkHashable()
        try interpreter.spend(key.size)
        if seen.insert(key).inserted { kept.append(item) }
      }
      return .object(Iteration(of: kept, typeName: "generator", depth: value.depth + 1))
    },
    "min": extreme("min", .less), "max": extreme("max", .greater),
    "groupby": FilterTable.filter("groupby", ["attribute", "default", "case_sensitive"], required: 1) {
      (interpreter, value, values) throws(TemplateError) in
      try grouped(value, values, interpreter)
    },
  ]

  /// Letters are compared in lower case unless a filter says otherwise.
  private static func folded(_ item: Item, _ isSensitive: Item?) -> Item {
    if isSensitive?.isTrue ?? false { return item }
    if case .string(let text) = item { return .string(text.lowercased) }
    return item
  }

  private static func key(
    _ item: Item, _ path: Item?, _ isSensitive: Item?, _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    folded(try SequenceFilters.part(item, path, interpreter), isSensitive)
  }

  /// The key of a path that may name several, between commas.
  private static func multipleKey(
    _ item: Item, _ path: Item?, _ isSensitive: Item?, _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    guard case .string(let text)? = path else { return .list(try Row([try key(item, path, isSensitive, interpreter)])) }
    var keys: [Item] = []
    for part in text.split(by: ",", limit: -1) {
      keys.append(try key(item, .string(part), isSensitive, interpreter))
    }
    return .list(try Row(keys))
  }

  private static func spendSorting(_ keys: [Item], _ interpreter: Interpreter) throws(TemplateError) {
    let rounds = Int.bitWidth - keys.count.leadingZeroBitCount
    try interpreter.spend(keys.reduce(0) { $0 + $1.size } * rounds)
  }

  private static func dictionarySorted(
    _ value: Item, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    let by = if let given = values[1] { try interpreter.string(given).string } else { "key" }
    guard by == "key" || by == "value" else {
      throw TemplateError(.value, "You can only sort by either \"key\" or \"value\"")
    }
    guard case .dict(let members) = value else {
      if case .undefined(let missing) = value { throw missing.error }
      throw TemplateError(.type, "'\(value.typeName)' object has no attribute 'items'")
    }
    let keys = (by == "key" ? members.keys : members.values).map { folded($0, values[0]) }
    try spendSorting(keys, interpreter)
    return try interpreter.list(try sorted(try members.pairs(), keys: keys, reverse: values[2]?.isTrue ?? false))
  }

  private static func extreme(_ name: String, _ comparison: Comparison) -> FilterFunction {
    FilterTable.filter(name, ["case_sensitive", "attribute"]) { (interpreter, value, values) throws(TemplateError) in
      var best: (item: Item, key: Item)?
      for item in try interpreter.items(of: value) {
        let key = try key(item, values[1], values[0], interpreter)
        if let current = best, try !interpreter.holds(comparison, key, current.key) { continue }
        best = (item, key)
      }
      return best?.item ?? .undefined(Missing("No aggregated item, sequence was empty."))
    }
  }

  private static func grouped(
    _ value: Item, _ values: [Item?], _ interpreter: Interpreter
  ) throws(TemplateError) -> Item {
    let items = try interpreter.items(of: value)
    let fallback = values[1].flatMap { $0.isNone ? nil : $0 }
    var real: [Item] = []
    for item in items {
      let key = try SequenceFilters.part(item, values[0], interpreter)
      real.append(key.isUndefined ? fallback ?? key : key)
    }
    let keys = real.map { folded($0, values[2]) }
    try spendSorting(keys, interpreter)
    let order = try sorted(items.indices.map { .int($0) }, keys: keys, reverse: false).compactMap(\.index)
    var groups: [Item] = []
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, keys[order[end]] == keys[order[start]] { end += 1 }
      let members = try Row(order[start..<end].map { items[$0] })
      groups.append(.object(Group(real[order[start]], members)))
      start = end
    }
    return try interpreter.list(groups)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A value while a template is rendered: Python's objects, as far as templates meet them.
///
/// Nothing but the objects of ``Object`` can change, as in Jinja's immutable sandbox.
enum Item {
  case undefined(Missing)
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(Text)
  case list(Row)
  case tuple(Row)
  case dict(Dictionary)
  case object(Object)

  static func string(_ text: some StringProtocol) -> Item { .string(Text(text)) }
  static var empty: Item { .string(Text([UInt8]())) }

  /// Python's `bool(value)`.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .double(let value): value != 0
    case .string(let text): !text.isEmpty
    case .list(let row), .tuple(let row): !row.items.isEmpty
    case .dict(let dictionary): !dictionary.isEmpty
    case .object(let object): object.isTrue
    }
  }

  /// The name of its Python type.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .double: "float"
    case .string(let text): text.isMarkup ? "Markup" : "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dict: "dict"
    case .object(let object): object.typeName
    }
  }

  /// How deep lists and dictionaries nest in it.
  var depth: Int {
    switch self {
    case .list(let row), .tuple(let row): row.depth
    case .dict(let dictionary): dictionary.depth
    case .object(let object): object.depth
    default: 0
    }
  }

  /// How many values it holds, itself included, counted as if none were shared; a string counts more as it is longer.
  var size: Int {
    switch self {
    case .list(let row), .tuple(let row): row.size
    case .dict(let dictionary): dictionary.size
    case .string(let text): 1 + text.bytes.count / 64
    default: 1
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }
  var text: Text? { if case .string(let text) = self { text } else { nil } }

  /// A whole number, as Python's `operator.index` takes it.
  var index: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }
}

/// Why a value is not defined.
final class Missing {
  let kind: TemplateError.Kind
  private let makeMessage: () -> String

  init(_ message: @autoclosure @escaping () -> String) {
    kind = .undefined
    makeMessage = message
  }

  init(_ kind: TemplateError.Kind, _ message: @autoclosure @escaping () -> String) {
    self.kind = kind
    makeMessage = message
  }

  /// The error of using it.
  var error: TemplateError { TemplateError(kind, makeMessage()) }
}

/// The items of a list or tuple.
final class Row {
  let items: [Item]
  let depth: Int
  let size: Int

  /// - Throws: When lists nest too deep, or hold too much.
  init(_ items: [Item]) throws(TemplateError) {
    self.items = items
    var deepest = 0
    var size = 1
    for item in items {
      deepest = max(deepest, item.depth)
      size += item.size
    }
    depth = deepest + 1
    self.size = size
    try Row.check(depth, size)
  }

  static func check(_ depth: Int, _ size: Int) throws(TemplateError) {
    guard depth <= TemplateLimits.valueDepth else {
      throw TemplateError(.limit, "a value nests deeper than \(TemplateLimits.valueDepth) levels")
    }
    // Lists that hold another one twice double with each level, so that each level must be checked.
    guard size <= TemplateLimits.valueSize else {
      throw TemplateError(.limit, "a value holds more than \(TemplateLimits.valueSize) values")
    }
  }
}

/// A Python dictionary.
final class Dictionary {
  let keys: [Item]
  let values: [Item]
  let depth: Int
  let size: Int
  private let places: [Item: Int]?

  /// A dictionary of members; of equal keys, the first keeps its place and the last gives its value.
  ///
  /// - Throws: When a key is not hashable, or dictionaries nest too deep.
  init(_ members: [(key: Item, value: Item)]) throws(TemplateError) {
    var keys: [Item] = []
    var values: [Item] = []
    var places: [Item: Int] = [:]
    keys.reserveCapacity(members.count)
    values.reserveCapacity(members.count)
    var deepest = 0
    var size = 1
    let isSmall = members.count <= 8
    for member in members {
      try member.key.checkHashable()
      deepest = max(deepest, member.key.depth, member.value.depth)
      size += member.key.size + member.value.size
      let known = isSmall ? keys.firstIndex { $0 == member.key } : places[member.key]
      if let known {
        values[known] = member.value
      } else {
        if !isSmall { places[member.key] = keys.count }
        keys.append(member.key)
        values.append(member.value)
      }
    }
    self.keys = keys
    self.values = values
    self.places = isSmall ? nil : places
    depth = deepest + 1
    self.size = size
    try Row.check(depth, size)
  }

  var isEmpty: Bool { keys.isEmpty }
  var count: Int { keys.count }

  /// The value of a key, or nil; a key that cannot be hashed has none.
  subscript(key: Item) -> Item? {
    if let places { return key.isHashable ? places[key].map { values[$0] } : nil }
    if case .string(let name) = key { return self[name] }
    return keys.firstIndex { $0 == key }.map { values[$0] }
  }

  /// The value of a name, or nil.
  subscript(name: Text) -> Item? {
    if let places { return places[.string(name)].map { values[$0] } }
    for index in keys.indices {
      if case .string(let key) = keys[index], key.bytes == name.bytes { return values[index] }
    }
    return nil
  }

  /// Keys and values as pairs.
  func pairs() throws(TemplateError) -> [Item] {
    var pairs: [Item] = []
    pairs.reserveCapacity(count)
    for index in keys.indices { pairs.append(.tuple(try Row([keys[index], values[index]]))) }
    return pairs
  }
}

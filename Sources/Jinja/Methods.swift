// SPDX-License-Identifier: Apache-2.0

/// A method of a value.
typealias Method =
  @Sendable (
    _ interpreter: Interpreter, _ value: Item, _ arguments: Arguments
  ) throws(TemplateError) -> Item

/// The methods of strings, lists, tuples and dictionaries that templates may call.
///
/// Those that would change a list or dictionary are hidden, as in Jinja's immutable sandbox.
enum Methods {
  static func method(_ name: Text, of item: Item) -> Method? {
    switch item {
    case .string: StringMethods.table[name]
    case .dict: dictionary[name]
    case .list, .tuple: name == "copy" ? (item.typeName == "list" ? sequence[name] : nil) : sequence[name]
    case .object(let object):
      if object is Range { name == "copy" ? nil : sequence[name] } else { nil }
    case .double: name == "is_integer" ? isWhole : nil
    default: nil
    }
  }

  private static let hiddenOfLists: Set<Text> = [
    "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
  ]
  private static let hiddenOfDictionaries: Set<Text> = ["clear", "pop", "popitem", "setdefault", "update"]

  /// Whether the sandbox hides an attribute of Python's.
  static func isHidden(_ name: Text, of item: Item) -> Bool {
    switch item {
    case .list: if hiddenOfLists.contains(name) { return true }
    case .dict: if hiddenOfDictionaries.contains(name) { return true }
    default: break
    }
    return internalNames.contains(name)
  }

  /// The names with underscores that every Python object has.
  private static let internalNames: Set<Text> = [
    "__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__",
    "__getstate__", "__gt__", "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__",
    "__reduce__", "__reduce_ex__", "__repr__", "__setattr__", "__sizeof__", "__str__", "__subclasshook__",
  ]

  private static let dictionary: [Text: Method] = [
    "items": { (_, value, arguments) throws(TemplateError) in try view(value, .items, arguments) },
    "keys": { (_, value, arguments) throws(TemplateError) in try view(value, .keys, arguments) },
    "values": { (_, value, arguments) throws(TemplateError) in try view(value, .values, arguments) },
    "copy": { (_, value, arguments) throws(TemplateError) in value },
    "get": { (_, value, arguments) throws(TemplateError) in
      guard arguments.named.isEmpty else { throw TemplateError(.type, "dict.get() takes no keyword arguments") }
      guard (1...2).contains(arguments.positional.count) else {
        throw TemplateError(
          .type,
          "get expected at \(arguments.positional.isEmpty ? "least 1 argument" : "most 2 arguments"), got \(arguments.positional.count)"
        )
      }
      guard case .dict(let members) = value else { return .none }
      try arguments.positional[0].checkHashable()
      return members[arguments.positional[0]] ?? (arguments.positional.count > 1 ? arguments.positional[1] : .none)
    },
    "fromkeys": { (interpreter, _, arguments) throws(TemplateError) in
      let values = try arguments.bound("fromkeys", ["iterable", "value"], required: 1)
      let keys = try interpreter.items(of: values[0] ?? .none)
      return .dict(try Dictionary(keys.map { ($0, values[1] ?? .none) }))
    },
  ]

  private static func view(_ value: Item, _ kind: DictionaryView.Kind, _ arguments: Arguments) throws(TemplateError)
    -> Item
  {
    guard case .dict(let members) = value else { return .none }
    guard arguments.isEmpty else {
      throw TemplateError(
        .type, "dict.\(kind.rawValue.dropFirst(5))() takes no arguments (\(arguments.positional.count) given)")
    }
    return .object(DictionaryView(members, kind))
  }

  private static let sequence: [Text: Method] = [
    "copy": { (_, value, _) throws(TemplateError) in value },
    "count": { (interpreter, value, arguments) throws(TemplateError) in
      let sought = try arguments.bound("count", ["value"], required: 1)[0] ?? .none
      let items = try interpreter.items(of: value)
      try interpreter.spend(value.size)
      return .int(items.count { $0 == sought })
    },
    "index": { (interpreter, value, arguments) throws(TemplateError) in
      let values = try arguments.bound("index", ["value", "start", "stop"], required: 1)
      let items = try interpreter.items(of: value)
      try interpreter.spend(value.size)
      let positions = StridedPositions(
        start: values[1]?.index, stop: values[2]?.index, step: 1, length: items.count)
      for place in positions where items[place] == values[0] ?? .none { return .int(place) }
      let name = try interpreter.representation(values[0] ?? .none).string
      throw TemplateError(
        .value, value.typeName == "list" ? "\(name) is not in list" : "tuple.index(x): x not in tuple")
    },
  ]

  private static let isWhole: Method = { (_, value, _) throws(TemplateError) in
    guard case .double(let number) = value else { return .bool(false) }
    return .bool(number.isFinite && number == number.rounded())
  }

  // MARK: Tests of letters

  static func isLower(_ text: Text) -> Bool {
    let scalars = text.scalars
    return scalars.contains(where: \.isPythonLower) && !scalars.contains { $0.isPythonUpper || $0.isPythonTitle }
  }

  static func isUpper(_ text: Text) -> Bool {
    let scalars = text.scalars
    return scalars.contains(where: \.isPythonUpper) && !scalars.contains { $0.isPythonLower || $0.isPythonTitle }
  }

  static func isTitle(_ text: Text) -> Bool {
    var follows = false
    var hasCase = false
    for scalar in text.scalars {
      if scalar.isPythonUpper || scalar.isPythonTitle {
        if follows { return false }
        follows = true
        hasCase = true
      } else if scalar.isPythonLower {
        if !follows { return false }
        hasCase = true
      } else {
        follows = false
      }
    }
    return hasCase
  }
}

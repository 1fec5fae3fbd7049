// SPDX-License-Identifier: Apache-2.0

/// The names that every template finds.
enum Globals {
  static func item(_ name: Text, _ options: TemplateOptions) -> Item? {
    switch name.string {
    case "range": .object(Function("range", range))
    case "dict": .object(Function("dict", dictionary))
    case "namespace": .object(Function("namespace", namespace))
    case "cycler": .object(Function("cycler") { (_, arguments) throws(TemplateError) in try cycler(arguments) })
    case "joiner":
      .object(
        Function("joiner") { (interpreter, arguments) throws(TemplateError) in
          let separator = try arguments.bound("joiner", ["sep"])[0] ?? .string(", " as Text)
          return .object(Joiner(try interpreter.string(separator)))
        })
    case "lipsum": .object(Function("lipsum", lipsum))
    case "raise_exception": options.dialect == .chat ? .object(Function("raise_exception", raise)) : nil
    case "strftime_now": options.dialect == .chat ? dateFunction(options) : nil
    default: nil
    }
  }

  private static func raise(_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    let message = try arguments.bound("raise_exception", ["message"], required: 1)[0] ?? .none
    throw TemplateError(.raised, try interpreter.string(message).string)
  }

  private static func date(_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    let format = try arguments.bound("strftime_now", ["format"], required: 1)[0] ?? .none
    return .string(interpreter.options.date?(try interpreter.string(format).string) ?? "")
  }

  /// Without a date it is not defined, so that a template takes the date that it has for this case.
  private static func dateFunction(_ options: TemplateOptions) -> Item {
    guard options.date == nil else { return .object(Function("strftime_now", date)) }
    return .undefined(
      Missing(
        .unsupported,
        "the template asks for today's date (strftime_now), which is not given here: a prompt would be another one tomorrow"
      ))
  }

  private static func lipsum(_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    throw TemplateError(.unsupported, "lipsum() is not supported: its text is random")
  }

  static func range(_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    guard arguments.named.isEmpty else { throw TemplateError(.type, "range() takes no keyword arguments") }
    guard (1...3).contains(arguments.positional.count) else {
      throw TemplateError(.type, "range expected 1 to 3 arguments, got \(arguments.positional.count)")
    }
    var bounds: [Int] = []
    for item in arguments.positional {
      guard let bound = item.index else {
        if case .undefined(let missing) = item, missing.kind == .security { throw missing.error }
        throw TemplateError(.type, "'\(item.typeName)' object cannot be interpreted as an integer")
      }
      guard bound.magnitude <= 1 << 60 else { throw TemplateError(.overflow, "a bound of range() is beyond 2 ** 60") }
      bounds.append(bound)
    }
    let step = bounds.count > 2 ? bounds[2] : 1
    guard step != 0 else { throw TemplateError(.value, "range() arg 3 must not be zero") }
    let range = Range(
      start: bounds.count > 1 ? bounds[0] : 0, stop: bounds.count > 1 ? bounds[1] : bounds[0], step: step)
    guard range.count <= 100_000 else {
      throw TemplateError(
        .overflow, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).")
    }
    return .object(range)
  }

  static func dictionary(_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    .dict(try Dictionary(try members(interpreter, arguments)))
  }

  /// What `dict(…)` would hold.
  private static func members(
    _ interpreter: Interpreter, _ arguments: Arguments
  ) throws(TemplateError) -> [(key: Item, value: Item)] {
    guard arguments.positional.count <= 1 else {
      throw TemplateError(.type, "dict expected at most 1 argument, got \(arguments.positional.count)")
    }
    var members: [(key: Item, value: Item)] = []
    switch arguments.positional.first {
    case nil: break
    case .dict(let dictionary)?: members = dictionary.keys.indices.map { (dictionary.keys[$0], dictionary.values[$0]) }
    case .undefined(let missing)?: throw missing.error
    case let source?:
      for (index, item) in try interpreter.items(of: source).enumerated() {
        let pair = try interpreter.items(of: item)
        guard pair.count == 2 else {
          throw TemplateError(
            .value, "dictionary update sequence element #\(index) has length \(pair.count); 2 is required")
        }
        members.append((pair[0], pair[1]))
      }
    }
    for (name, value) in arguments.named { members.append((.string(name), value)) }
    try interpreter.spend(members.reduce(0) { $0 + $1.key.size })
    return members
  }

  static func namespace(_ interpreter: Interpreter, _ arguments: Arguments) throws(TemplateError) -> Item {
    try interpreter.spend(16)
    let namespace = Namespace()
    let dictionary = try Dictionary(try members(interpreter, arguments))
    for index in dictionary.keys.indices {
      guard case .string(let name) = dictionary.keys[index] else { continue }
      try checkNamespace(name, interpreter.options)
      namespace[name] = dictionary.values[index]
    }
    interpreter.keep(namespace)
    return .object(namespace)
  }

  /// transformers refuses names with an underscore in front.
  static func checkNamespace(_ name: Text, _ options: TemplateOptions) throws(TemplateError) {
    guard options.dialect == .chat, name.bytes.first == UInt8(ascii: "_") else { return }
    throw TemplateError(
      .security,
      "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '\(name.string)'. "
        + "Please rename the attribute.")
  }

  private static func cycler(_ arguments: Arguments) throws(TemplateError) -> Item {
    guard !arguments.positional.isEmpty else { throw TemplateError(.runtime, "at least one item has to be provided") }
    return .object(Cycler(arguments.positional))
  }
}

/// `cycler(…)`.
final class Cycler: Object {
  private let items: [Item]
  private var place = 0

  init(_ items: [Item]) {
    self.items = items
    super.init(depth: (items.map(\.depth).max() ?? 0) + 1)
  }

  override var typeName: String { "Cycler" }
  override func attribute(_ name: Text, _ interpreter: Interpreter) -> Item? {
    switch name.string {
    case "current": items[place]
    case "next":
      .object(
        Function("next", depth: depth) { [self] (_, _) throws(TemplateError) in
          defer { place = (place + 1) % items.count }
          return items[place]
        })
    case "reset":
      .object(
        Function("reset", depth: depth) { [self] (_, _) throws(TemplateError) in
          place = 0
          return .none
        })
    default: nil
    }
  }
}

/// `joiner(separator)`: nothing when it is called first, the separator afterwards.
final class Joiner: Object {
  private let separator: Text
  private var wasUsed = false

  init(_ separator: Text) {
    self.separator = separator
    super.init()
  }

  override var typeName: String { "Joiner" }
  override var isCallable: Bool { true }
  func call() -> Item {
    defer { wasUsed = true }
    return wasUsed ? .string(separator) : .empty
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Renders a program once.
final class Interpreter {
  let program: Program
  let options: TemplateOptions
  private let context: [String: Value]
  /// What was printed so far, or is being captured.
  private(set) var output: [UInt8] = []
  /// The variables of the function that runs.
  var frame: Frame
  /// The line of what is being evaluated.
  var line = 1
  private var steps: Int
  private var depth = 0
  /// What a filter without a value works on: the text of its block.
  var filterInput = Item.empty
  /// What may hold itself, and is emptied at the end.
  private var owned: [Frame] = []
  private var namespaces: [Namespace] = []

  init(_ program: Program, _ options: TemplateOptions, _ context: [String: Value]) {
    self.program = program
    self.options = options
    self.context = context
    steps = options.limits.steps
    frame = Frame(count: program.functions[0], parent: nil)
  }

  /// The whole output.
  func run() throws(TemplateError) -> [UInt8] {
    do {
      output.reserveCapacity(4096)
      try enter(program.root.scope)
      _ = try execute(program.root.body)
      return output
    } catch {
      var placed = error
      if placed.line == 0 { placed.line = line }
      throw placed
    }
  }

  /// Breaks the cycles between variables and the macros that read them.
  func release() {
    frame.slots.removeAll()
    for frame in owned { frame.slots.removeAll() }
    for namespace in namespaces { namespace.values = [:] }
  }

  func keep(_ frame: Frame) {
    guard !frame.isOwned else { return }
    frame.isOwned = true
    owned.append(frame)
  }

  func keep(_ namespace: Namespace) { namespaces.append(namespace) }

  // MARK: Limits

  /// Counts steps.
  func spend(_ count: Int = 1) throws(TemplateError) {
    steps -= count
    guard steps >= 0 else {
      throw TemplateError(.limit, "rendering takes more than \(options.limits.steps) steps")
    }
  }

  /// Counts a string that is made.
  func spend(bytes: Int) throws(TemplateError) {
    guard bytes <= options.limits.outputBytes else {
      throw TemplateError(.limit, "a string is longer than \(options.limits.outputBytes) bytes")
    }
    try spend(bytes / 16 + 1)
  }

  func made(_ text: Text) throws(TemplateError) -> Item {
    try spend(bytes: text.bytes.count)
    return .string(text)
  }

  func list(_ items: [Item]) throws(TemplateError) -> Item {
    try spend(items.count)
    return .list(try Row(items))
  }

  /// Runs a part one level deeper.
  func descend<Result>(_ body: () throws(TemplateError) -> Result) throws(TemplateError) -> Result {
    depth += 1
    guard depth <= options.limits.depth else {
      throw TemplateError(.limit, "macros, blocks and expressions nest deeper than \(options.limits.depth) levels")
    }
    let result = try body()
    depth -= 1
    return result
  }

  // MARK: Output

  func write(_ text: Text) throws(TemplateError) {
    output.append(contentsOf: text.bytes)
    guard output.count <= options.limits.outputBytes else {
      throw TemplateError(.limit, "the output is longer than \(options.limits.outputBytes) bytes")
    }
  }

  /// What a part prints, without printing it; nil when it left a loop.
  func captured(
    _ body: () throws(TemplateError) -> Statement.Leave?
  ) throws(TemplateError) -> (text: Text, leave: Statement.Leave?) {
    let outer = output
    output = []
    let leave = try body()
    let text = Text(output)
    output = outer
    try spend(bytes: text.bytes.count)
    return (text, leave)
  }

  // MARK: Variables

  /// Gives the variables of a scope their first values.
  func enter(_ scope: Int) throws(TemplateError) {
    for entry in program.scopes[scope] {
      switch entry.source {
      case .nothing: frame.slots[entry.index] = nil
      case .outer(let variable): frame.slots[entry.index] = frame.outward(variable.hops).slots[variable.index]
      case .context(let name): frame.slots[entry.index] = try resolved(name)
      }
    }
  }

  private func resolved(_ name: Text) throws(TemplateError) -> Item? {
    if let value = context[name.string] { return try ContextReader.item(value, self) }
    return Globals.item(name, options)
  }

  func value(_ reference: NameReference) -> Item {
    let variable = program.bindings[reference.index]
    return frame.outward(variable.hops).slots[variable.index]
      ?? .undefined(Missing("'\(reference.name.string)' is undefined"))
  }

  func set(_ reference: NameReference, _ value: Item) {
    let variable = program.bindings[reference.index]
    frame.outward(variable.hops).slots[variable.index] = value
  }
}

/// The variables of a function that runs: of the template itself, or of one call of a macro.
final class Frame {
  var slots: [Item?]
  /// The function around it.
  let parent: Frame?
  var isOwned = false

  init(count: Int, parent: Frame?) {
    slots = Array(repeating: nil, count: count)
    self.parent = parent
  }

  func outward(_ hops: Int) -> Frame {
    var frame = self
    for _ in 0..<hops { frame = frame.parent ?? frame }
    return frame
  }
}

/// Makes the values of a context.
enum ContextReader {
  static func item(_ value: Value, _ interpreter: Interpreter, depth: Int = 1) throws(TemplateError) -> Item {
    try interpreter.spend()
    try Row.check(depth, 1)
    switch value {
    case .undefined: return .undefined(Missing("a value of the context is undefined"))
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .double(let value): return .double(value)
    case .string(let text): return .string(Text(text))
    case .list(let values):
      var items: [Item] = []
      items.reserveCapacity(values.count)
      for value in values { items.append(try item(value, interpreter, depth: depth + 1)) }
      return .list(try Row(items))
    case .dict(let values):
      var members: [(key: Item, value: Item)] = []
      members.reserveCapacity(values.count)
      for (key, value) in values {
        members.append((.string(Text(key)), try item(value, interpreter, depth: depth + 1)))
      }
      return .dict(try Dictionary(members))
    }
  }
}

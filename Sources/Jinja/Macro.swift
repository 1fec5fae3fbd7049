// SPDX-License-Identifier: Apache-2.0

/// A macro with the variables around it.
///
/// Source: `Macro` in `jinja2/runtime.py`.
final class Macro: Object {
  let definition: MacroDefinition
  private let frame: Frame

  init(_ definition: MacroDefinition, _ frame: Frame) {
    self.definition = definition
    self.frame = frame
    super.init()
  }

  override var typeName: String { "Macro" }
  override var isCallable: Bool { true }
  private var name: String { definition.name.map { "'\($0.name.string)'" } ?? "None" }
  override func represented(_ writer: inout ReprWriter) {
    writer.write(definition.name == nil ? "<Macro anonymous>" : "<Macro \(name)>")
  }

  override func attribute(_ name: Text, _ interpreter: Interpreter) throws(TemplateError) -> Item? {
    switch name.string {
    case "name": definition.name.map { .string($0.name) } ?? Item.none
    case "arguments": .list(try Row(definition.parameters.map { .string($0.reference.name) }))
    case "catch_kwargs": .bool(definition.named != nil)
    case "catch_varargs": .bool(definition.positional != nil)
    case "caller": .bool(definition.caller != nil)
    default: nil
    }
  }

  /// What it prints with arguments.
  func call(_ arguments: Arguments, _ interpreter: Interpreter) throws(TemplateError) -> Item {
    let inner = Frame(count: interpreter.program.functions[definition.function], parent: frame)
    var arguments = arguments
    let given = try bind(&arguments, inner, interpreter)
    let outer = interpreter.frame
    interpreter.frame = inner
    let (text, _) = try interpreter.descend { () throws(TemplateError) in
      try interpreter.captured { () throws(TemplateError) in
        try interpreter.enter(definition.body.scope)
        for (parameter, isGiven) in zip(definition.parameters, given) where !isGiven {
          let missing = Missing("parameter '\(parameter.reference.name.string)' was not provided")
          let value =
            if let initial = parameter.initial { try interpreter.evaluate(initial) } else { Item.undefined(missing) }
          interpreter.set(parameter.reference, value)
        }
        return try interpreter.execute(definition.body.body)
      }
    }
    interpreter.frame = outer
    return .string(text)
  }

  /// Stores the arguments; the result says which parameters have one.
  private func bind(
    _ arguments: inout Arguments, _ inner: Frame, _ interpreter: Interpreter
  ) throws(TemplateError) -> [Bool] {
    func store(_ reference: NameReference, _ value: Item) {
      inner.slots[interpreter.program.bindings[reference.index].index] = value
    }
    let parameters = definition.parameters
    let positional = arguments.positional
    for (parameter, value) in zip(parameters, positional) { store(parameter.reference, value) }
    var given = parameters.indices.map { $0 < positional.count }
    for (place, parameter) in parameters.enumerated().dropFirst(positional.count) {
      guard let found = arguments.named.firstIndex(where: { $0.name == parameter.reference.name }) else { continue }
      store(parameter.reference, arguments.named.remove(at: found).value)
      given[place] = true
    }
    if let caller = definition.caller {
      let found = arguments.named.firstIndex { $0.name == "caller" }
      let value = found.map { arguments.named.remove(at: $0).value } ?? .none
      store(caller, value.isNone ? .undefined(Missing("No caller defined")) : value)
    }
    if let named = definition.named {
      store(named, .dict(try Dictionary(arguments.named.map { (.string($0.name), $0.value) })))
    } else if let first = arguments.named.first {
      let hasCaller = arguments.named.contains { $0.name == "caller" }
      throw TemplateError(
        .type,
        hasCaller
          ? "macro \(name) was invoked with two values for the special caller argument. This is most likely a bug."
          : "macro \(name) takes no keyword argument '\(first.name.string)'")
    }
    let extra = Array(positional.dropFirst(parameters.count))
    if let reference = definition.positional {
      store(reference, .tuple(try Row(extra)))
    } else if !extra.isEmpty {
      throw TemplateError(.type, "macro \(name) takes not more than \(parameters.count) argument(s)")
    }
    return given
  }
}

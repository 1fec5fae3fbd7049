// SPDX-License-Identifier: Apache-2.0

extension Interpreter {
  /// The value of an expression.
  func evaluate(_ expression: Expression) throws(TemplateError) -> Item {
    try spend()
    switch expression {
    case .text(let text): return .string(text)
    case .int(let value): return .int(value)
    case .double(let value): return .double(value)
    case .bool(let value): return .bool(value)
    case .none: return .none
    case .name(let reference, let line):
      self.line = line
      return value(reference)
    default: return try descend { () throws(TemplateError) in try compound(expression) }
    }
  }

  private func compound(_ expression: Expression) throws(TemplateError) -> Item {
    switch expression {
    case .attribute(let value, let name, let line):
      let object = try evaluate(value)
      self.line = line
      return try attribute(name, of: object)
    case .subscripted(let value, let key, let line):
      let object = try evaluate(value)
      let key = try evaluate(key)
      self.line = line
      return try element(key, of: object)
    case .call(let function, let arguments, let line): return try call(function, arguments, line)
    case .filter(let value, let use): return try filter(value, use)
    case .test(let value, let use): return .bool(try test(value, use))
    case .not(let value): return .bool(!(try evaluate(value).isTrue))
    case .and(let left, let right):
      let first = try evaluate(left)
      return first.isTrue ? try evaluate(right) : first
    case .or(let left, let right):
      let first = try evaluate(left)
      return first.isTrue ? first : try evaluate(right)
    case .compare(let first, let others, let line): return try compare(first, others, line)
    case .binary(let operation, let left, let right, let line):
      let left = try evaluate(left)
      let right = try evaluate(right)
      self.line = line
      return try Arithmetic.result(operation, left, right, self)
    case .join(let parts, let line): return try join(parts, line)
    case .conditional(let test, let then, let otherwise, let line):
      return try conditional(test, then, otherwise, line)
    default: return try collection(expression)
    }
  }

  private func collection(_ expression: Expression) throws(TemplateError) -> Item {
    switch expression {
    case .list(let items, let line):
      let values = try evaluateAll(items)
      self.line = line
      return try list(values)
    case .tuple(let items, let line):
      let values = try evaluateAll(items)
      self.line = line
      return .tuple(try Row(values))
    case .dict(let members, let line):
      var values: [(key: Item, value: Item)] = []
      for member in members {
        let key = try evaluate(member.key)
        try spend(key.size)
        values.append((key, try evaluate(member.value)))
      }
      self.line = line
      return .dict(try Dictionary(values))
    case .sliced(let value, let start, let stop, let step, let line):
      let object = try evaluate(value)
      let bounds = (try bound(start), try bound(stop), try bound(step))
      self.line = line
      return try slice(object, bounds.0, bounds.1, bounds.2)
    case .sign(let isNegative, let value, let line):
      let operand = try evaluate(value)
      self.line = line
      return try Arithmetic.signed(operand, isNegative: isNegative)
    default: return .none
    }
  }

  private func evaluateAll(_ expressions: [Expression]) throws(TemplateError) -> [Item] {
    var values: [Item] = []
    values.reserveCapacity(expressions.count)
    for expression in expressions { values.append(try evaluate(expression)) }
    return values
  }

  private func bound(_ expression: Expression?) throws(TemplateError) -> Item {
    if let expression { try evaluate(expression) } else { .none }
  }

  private func conditional(
    _ test: Expression, _ then: Expression, _ otherwise: Expression?, _ line: Int
  ) throws(TemplateError) -> Item {
    if try evaluate(test).isTrue { return try evaluate(then) }
    if let otherwise { return try evaluate(otherwise) }
    return .undefined(
      Missing("the inline if-expression on line \(line) evaluated to false and no else section was defined."))
  }

  private func join(_ parts: [Expression], _ line: Int) throws(TemplateError) -> Item {
    var bytes: [UInt8] = []
    for part in parts {
      let value = try evaluate(part)
      self.line = line
      bytes += try string(value).bytes
    }
    return try made(Text(bytes))
  }

  private func compare(
    _ first: Expression, _ others: [(Comparison, Expression)], _ line: Int
  ) throws(TemplateError) -> Item {
    var left = try evaluate(first)
    for (comparison, expression) in others {
      let right = try evaluate(expression)
      self.line = line
      guard try holds(comparison, left, right) else { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  func holds(_ comparison: Comparison, _ left: Item, _ right: Item) throws(TemplateError) -> Bool {
    switch comparison {
    case .equal:
      try spend(comparing: left, right)
      return left == right
    case .unequal:
      try spend(comparing: left, right)
      return left != right
    case .contained: return try contains(right, left)
    case .notContained: return try !contains(right, left)
    default:
      try spend(comparing: left, right)
      return try left.isOrdered(comparison, right)
    }
  }

  /// Counts the steps of comparing two values.
  func spend(comparing left: Item, _ right: Item) throws(TemplateError) { try spend(min(left.size, right.size)) }

  // MARK: Filters and tests

  private func filter(_ value: Expression?, _ use: FilterUse) throws(TemplateError) -> Item {
    let input = if let value { try evaluate(value) } else { filterInput }
    guard let function = use.function else {
      throw TemplateError(.runtime, "No filter named '\(use.name)' found.", line: use.line)
    }
    let arguments = try arguments(use.arguments)
    line = use.line
    return try function(self, input, arguments)
  }

  private func test(_ value: Expression, _ use: TestUse) throws(TemplateError) -> Bool {
    let input = try evaluate(value)
    guard let function = use.function else {
      throw TemplateError(.runtime, "No test named '\(use.name)' found.", line: use.line)
    }
    let arguments = try arguments(use.arguments)
    line = use.line
    return try function(self, input, arguments)
  }

  // MARK: Calls

  func arguments(_ written: CallArguments) throws(TemplateError) -> Arguments {
    var arguments = Arguments(positional: try evaluateAll(written.positional))
    for (name, value) in written.named { arguments.named.append((name, try evaluate(value))) }
    if let spread = written.spread { arguments.positional += try items(of: try evaluate(spread)) }
    if let spread = written.spreadNamed {
      guard case .dict(let members) = try evaluate(spread) else {
        throw TemplateError(.type, "argument after ** must be a mapping")
      }
      for index in members.keys.indices {
        guard case .string(let name) = members.keys[index] else {
          throw TemplateError(.type, "keywords must be strings")
        }
        arguments.named.append((name, members.values[index]))
      }
    }
    return arguments
  }

  private func call(_ function: Expression, _ written: CallArguments, _ line: Int) throws(TemplateError) -> Item {
    if case .attribute(let value, let name, let place) = function {
      let object = try evaluate(value)
      self.line = place
      if let method = Methods.method(name, of: object) {
        let arguments = try arguments(written)
        self.line = line
        return try method(self, object, arguments)
      }
      let function = try attribute(name, of: object)
      let arguments = try arguments(written)
      self.line = line
      return try call(function, arguments)
    }
    let callee = try evaluate(function)
    let arguments = try arguments(written)
    self.line = line
    return try call(callee, arguments)
  }

  func call(_ function: Item, _ arguments: Arguments) throws(TemplateError) -> Item {
    switch function {
    case .undefined(let missing): throw missing.error
    case .object(let object):
      if let function = object as? Function { return try function.body(self, arguments) }
      if let macro = object as? Macro { return try macro.call(arguments, self) }
      if let joiner = object as? Joiner { return joiner.call() }
      if object is LoopState {
        throw TemplateError(.type, "The loop must have the 'recursive' marker to be called recursively.")
      }
    default: break
    }
    throw TemplateError(.type, "'\(function.typeName)' object is not callable")
  }
}

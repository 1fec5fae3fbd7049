// SPDX-License-Identifier: Apache-2.0

extension Interpreter {
  /// Runs statements; the result says whether they left a loop or its turn.
  func execute(_ statements: [Statement]) throws(TemplateError) -> Statement.Leave? {
    for statement in statements {
      try spend()
      switch statement {
      case .data(let text): try write(text)
      case .output(let value, let line):
        self.line = line
        try print(try evaluate(value))
      case .leave(let leave): return leave
      default:
        let leave = try descend { () throws(TemplateError) in try compound(statement) }
        if leave != nil { return leave }
      }
    }
    return nil
  }

  private func print(_ item: Item) throws(TemplateError) {
    if case .string(let text) = item { try write(text) } else { try write(try string(item)) }
  }

  private func compound(_ statement: Statement) throws(TemplateError) -> Statement.Leave? {
    switch statement {
    case .conditional(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test).isTrue { return try execute(branch.body) }
      return try execute(otherwise)
    case .loop(let loop): return try run(loop)
    case .assign(let target, let value, let line):
      self.line = line
      try checkNamespaces(target)
      try assign(target, try evaluate(value))
    case .assignBlock(let block): return try run(block)
    case .macro(let macro):
      guard let name = macro.name else { return nil }
      set(name, .object(Macro(macro, frame)))
      keep(frame)
    case .callBlock(let call): try run(call)
    case .filterBlock(let filter, let block, let line):
      let (text, leave) = try capturedBlock(block)
      if leave != nil { return leave }
      self.line = line
      try print(try filtered(text, by: filter))
    case .with(let targets, let block, let line):
      self.line = line
      try enter(block.scope)
      for (target, value) in targets { try assign(target, try evaluate(value)) }
      return try execute(block.body)
    case .generation(let block):
      let (text, _) = try capturedBlock(block)
      try write(text)
    case .data, .output, .leave: return nil
    }
    return nil
  }

  private func capturedBlock(_ block: Block) throws(TemplateError) -> (text: Text, leave: Statement.Leave?) {
    try captured { () throws(TemplateError) in
      try enter(block.scope)
      return try execute(block.body)
    }
  }

  private func filtered(_ text: Text, by filter: Expression) throws(TemplateError) -> Item {
    let outer = filterInput
    filterInput = .string(text)
    let value = try evaluate(filter)
    filterInput = outer
    return value
  }

  private func run(_ assign: AssignBlock) throws(TemplateError) -> Statement.Leave? {
    let (text, leave) = try capturedBlock(assign.block)
    if leave != nil { return leave }
    line = assign.line
    try checkNamespaces(assign.target)
    let value = if let filter = assign.filter { try filtered(text, by: filter) } else { Item.string(text) }
    try self.assign(assign.target, value)
    return nil
  }

  private func run(_ call: CallBlock) throws(TemplateError) {
    line = call.line
    keep(frame)
    let caller = Item.object(Macro(call.caller, frame))
    let function = try evaluate(call.function)
    var arguments = try self.arguments(call.arguments)
    arguments.named.append(("caller", caller))
    line = call.line
    try print(try self.call(function, arguments))
  }

  // MARK: Assignment

  private func checkNamespaces(_ target: Target) throws(TemplateError) {
    switch target {
    case .name: break
    case .attribute(let reference, _):
      guard case .object(let object) = value(reference), object is Namespace else {
        throw TemplateError(.runtime, "cannot assign attribute on non-namespace object")
      }
    case .tuple(let parts): for part in parts { try checkNamespaces(part) }
    }
  }

  func assign(_ target: Target, _ value: Item) throws(TemplateError) {
    switch target {
    case .name(let reference): set(reference, value)
    case .attribute(let reference, let name):
      guard case .object(let object) = self.value(reference), let namespace = object as? Namespace else { return }
      try Globals.checkNamespace(name, options)
      namespace[name] = value
    case .tuple(let parts):
      let items = try self.items(of: value, unpacking: true)
      guard items.count >= parts.count else {
        throw TemplateError(.value, "not enough values to unpack (expected \(parts.count), got \(items.count))")
      }
      guard items.count == parts.count else {
        throw TemplateError(.value, "too many values to unpack (expected \(parts.count))")
      }
      for (part, item) in zip(parts, items) { try assign(part, item) }
    }
  }

  // MARK: Loops

  private func run(_ loop: Loop) throws(TemplateError) -> Statement.Leave? {
    line = loop.line
    let source = try evaluate(loop.items)
    line = loop.line
    var completed = false
    if loop.state == nil, loop.condition == nil {
      completed = try runPlain(loop, source)
    } else {
      completed = try runWithState(loop, source)
    }
    guard let otherwise = loop.otherwise, !completed else { return nil }
    try enter(otherwise.scope)
    return try execute(otherwise.body)
  }

  /// Runs the body once; nil when the loop is to end.
  private func turn(_ loop: Loop, _ item: Item, _ completed: inout Bool) throws(TemplateError) -> Bool {
    try spend()
    try assign(loop.target, item)
    try enter(loop.body.scope)
    switch try execute(loop.body.body) {
    // As in Jinja, a turn that is left early does not count for the loop's `else`.
    case .loop?: return false
    case .turn?: return true
    case nil:
      completed = true
      return true
    }
  }

  private func runPlain(_ loop: Loop, _ source: Item) throws(TemplateError) -> Bool {
    var completed = false
    if case .list(let row) = source {
      for item in row.items where try !turn(loop, item, &completed) { break }
      return completed
    }
    let iteration = try iteration(of: source)
    while let item = try iteration.nextItem(), try turn(loop, item, &completed) {}
    return completed
  }

  private func runWithState(_ loop: Loop, _ source: Item) throws(TemplateError) -> Bool {
    let items = try iteration(of: source)
    var length = try self.length(of: source)
    var iteration = items
    if let condition = loop.condition {
      length = nil
      let frame = frame
      iteration = Iteration(depth: items.depth) { [unowned self] () throws(TemplateError) in
        while let item = try items.nextItem() {
          if try passes(item, condition, frame) { return item }
        }
        return nil
      }
    }
    let state = LoopState(iteration, length: length)
    var completed = false
    while let item = try state.advance() {
      if let reference = loop.state { set(reference, .object(state)) }
      if try !turn(loop, item, &completed) { break }
    }
    return completed
  }

  private func passes(
    _ item: Item, _ condition: Loop.Condition, _ frame: Frame
  ) throws(TemplateError) -> Bool {
    let current = self.frame
    self.frame = frame
    try assign(condition.target, item)
    try enter(condition.scope)
    let passes = try evaluate(condition.test).isTrue
    self.frame = current
    return passes
  }
}

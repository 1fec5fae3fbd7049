// SPDX-License-Identifier: Apache-2.0

extension Parser {
  /// The whole template.
  mutating func template() throws(TemplateError) -> Block {
    let scope = newScope()
    return Block(body: try statements(until: []), scope: scope)
  }

  /// Statements up to a tag of those names, which is the current token then.
  private mutating func statements(until ends: [String]) throws(TemplateError) -> [Statement] {
    var body: [Statement] = []
    while true {
      let token = current
      switch token.kind {
      case .end:
        guard ends.isEmpty else { throw unclosed() }
        return body
      case .data(let text):
        take()
        body.append(.data(text))
      case .variableBegin:
        take()
        let value = try tuple()
        try expect(.variableEnd)
        body.append(.output(value, line: token.line))
      case .blockBegin:
        take()
        if case .name(let name) = current.kind, ends.contains(name) { return body }
        body.append(try nested { parser throws(TemplateError) in try parser.statement() })
        try expect(.blockEnd)
      default: throw fault("unexpected '\(token.description)'")
      }
    }
  }

  /// The body of a tag, after the tag's own content and up to one of the ends.
  private mutating func body(until ends: String...) throws(TemplateError) -> [Statement] {
    _ = skip(.colon)
    try expect(.blockEnd)
    open[open.count - 1].ends = ends
    return try statements(until: ends)
  }

  private mutating func block(until end: String) throws(TemplateError) -> Block {
    let scope = newScope()
    let statements = try body(until: end)
    take()
    return Block(body: statements, scope: scope)
  }

  /// The same, where `break` and `continue` do not reach a loop outside.
  private mutating func closedBlock(until end: String) throws(TemplateError) -> Block {
    let outer = loops
    loops = 0
    defer { loops = outer }
    return try block(until: end)
  }

  private mutating func statement() throws(TemplateError) -> Statement {
    guard case .name(let tag) = current.kind else { throw fault("tag name expected") }
    open.append((tag, []))
    let statement: Statement
    switch tag {
    case "for": statement = try loop()
    case "if": statement = try condition()
    case "set": statement = try assignment()
    case "macro": statement = try macro()
    case "call": statement = try callBlock()
    case "filter":
      let line = take().line
      let filter = try filterChain()
      statement = .filterBlock(filter, try block(until: "endfilter"), line: line)
    case "with": statement = try with()
    case "print":
      let line = take().line
      statement = .output(try tuple(), line: line)
    case "block", "extends", "include", "import", "from", "autoescape":
      throw TemplateError(.unsupported, "'\(tag)' is not supported: a template stands alone here", line: current.line)
    default:
      guard options.dialect == .chat, let extra = try chatStatement(tag) else {
        open.removeLast()
        throw unknown(tag)
      }
      statement = extra
    }
    open.removeLast()
    return statement
  }

  /// The tags that transformers adds.
  private mutating func chatStatement(_ tag: String) throws(TemplateError) -> Statement? {
    switch tag {
    case "break", "continue":
      take()
      guard loops > 0 else { throw fault("'\(tag)' outside loop") }
      return .leave(tag == "break" ? .loop : .turn)
    case "generation":
      take()
      return .generation(try closedBlock(until: "endgeneration"))
    default: return nil
    }
  }

  private mutating func filterChain() throws(TemplateError) -> Expression {
    currentHeight = 0
    var filter = try filter(nil)
    while skip(.pipe) { filter = try self.filter(filter) }
    return filter
  }

  private mutating func loop() throws(TemplateError) -> Statement {
    let line = take().line
    let start = names.count
    let target = try target(until: .name("in"))
    let targetNames = names.count
    try expect(name: "in")
    let items = try tuple(conditional: false, end: .name("recursive"))
    var condition: Loop.Condition?
    if skip(name: "if") {
      let scope = newScope()
      let copy = copied(target)
      condition = Loop.Condition(target: copy, test: try expression(), scope: scope)
    }
    if isAt(name: "recursive") {
      throw TemplateError(.unsupported, "recursive loops are not supported", line: line)
    }
    let scope = newScope()
    loops += 1
    let statements = try body(until: "endfor", "else")
    loops -= 1
    var otherwise: Block?
    if case .name("else") = take().kind { otherwise = try block(until: "endfor") }
    if names[start..<targetNames].contains("loop") || Self.assigns("loop", statements) {
      throw fault("Can't assign to special loop variable in for-loop target", line: line)
    }
    let body = Block(body: statements, scope: scope)
    let state = statements.undeclared(["loop"]).isEmpty ? nil : reference("loop")
    return .loop(
      Loop(
        target: target, items: items, condition: condition, body: body, otherwise: otherwise, state: state, line: line))
  }

  private mutating func copied(_ target: Target) -> Target {
    switch target {
    case .name(let name): return .name(reference(name.name))
    case .attribute(let name, let attribute): return .attribute(reference(name.name), attribute)
    case .tuple(let parts):
      var copies: [Target] = []
      for part in parts { copies.append(copied(part)) }
      return .tuple(copies)
    }
  }

  private mutating func condition() throws(TemplateError) -> Statement {
    var branches: [(test: Expression, body: [Statement])] = []
    var otherwise: [Statement] = []
    take()
    while true {
      let test = try tuple(conditional: false)
      branches.append((test, try body(until: "elif", "else", "endif")))
      let ending = take().kind
      if ending == .name("elif") { continue }
      if ending == .name("else") {
        otherwise = try body(until: "endif")
        take()
      }
      return .conditional(branches, otherwise: otherwise)
    }
  }

  private mutating func assignment() throws(TemplateError) -> Statement {
    let line = take().line
    let target = try target(until: .none, attributes: true)
    if skip(.assign) { return .assign(target, try tuple(), line: line) }
    let filter = skip(.pipe) ? try filterChain() : nil
    return .assignBlock(AssignBlock(target: target, filter: filter, block: try block(until: "endset"), line: line))
  }

  private mutating func with() throws(TemplateError) -> Statement {
    let line = take().line
    var targets: [(Target, Expression)] = []
    while current.kind != .blockEnd {
      if !targets.isEmpty { try expect(.comma) }
      let target = try target(until: .none)
      try expect(.assign)
      targets.append((target, try expression()))
    }
    return .with(targets: targets, try block(until: "endwith"), line: line)
  }

  // MARK: Targets

  private mutating func target(until end: TupleEnd, attributes: Bool = false) throws(TemplateError) -> Target {
    var parts: [Target] = []
    var isTuple = false
    while true {
      if !parts.isEmpty { try expect(.comma) }
      if isTupleEnd(end) { break }
      parts.append(try targetPart(attributes))
      guard isAt(.comma) else { break }
      isTuple = true
    }
    if isTuple { return .tuple(parts) }
    guard let only = parts.first else { throw fault("Expected an expression, got '\(current.description)'") }
    return only
  }

  private mutating func targetPart(_ attributes: Bool) throws(TemplateError) -> Target {
    let token = current
    if skip(.openParenthesis) {
      let inner = try nested { parser throws(TemplateError) in try parser.target(until: .none) }
      try expect(.closeParenthesis)
      return inner
    }
    guard case .name(let name) = token.kind else {
      _ = try primary()
      throw fault("can't assign to a value", line: token.line)
    }
    take()
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw fault("can't assign to '\(name)'", line: token.line)
    }
    if attributes, skip(.dot) { return .attribute(reference(name), Text(try expectName())) }
    return .name(reference(name))
  }

  // MARK: Macros

  private mutating func macro() throws(TemplateError) -> Statement {
    let line = take().line
    let name = reference(try plainName())
    let parameters = try signature()
    return .macro(try macroBody(name, parameters, until: "endmacro", line))
  }

  private mutating func callBlock() throws(TemplateError) -> Statement {
    let line = take().line
    let parameters = isAt(.openParenthesis) ? try signature() : []
    guard case .call(let function, let arguments, _) = try expression() else {
      throw fault("expected call", line: line)
    }
    let caller = try macroBody(nil, parameters, until: "endcall", line)
    return .callBlock(CallBlock(caller: caller, function: function, arguments: arguments, line: line))
  }

  private mutating func plainName() throws(TemplateError) -> String {
    let name = try expectName()
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw fault("can't assign to '\(name)'")
    }
    return name
  }

  private mutating func signature() throws(TemplateError) -> [MacroDefinition.Parameter] {
    var parameters: [MacroDefinition.Parameter] = []
    try expect(.openParenthesis)
    while !isAt(.closeParenthesis) {
      if !parameters.isEmpty { try expect(.comma) }
      let name = try plainName()
      guard !parameters.contains(where: { $0.reference.name.string == name }) else {
        throw fault("duplicate argument '\(name)' in function definition")
      }
      let reference = reference(name)
      var initial: Expression?
      if skip(.assign) {
        initial = try expression()
      } else if parameters.last?.initial != nil {
        throw fault("non-default argument follows default argument")
      }
      parameters.append(MacroDefinition.Parameter(reference: reference, initial: initial))
    }
    take()
    return parameters
  }

  private mutating func macroBody(
    _ name: NameReference?, _ parameters: [MacroDefinition.Parameter], until end: String, _ line: Int
  ) throws(TemplateError) -> MacroDefinition {
    let function = newFunction()
    let body = try closedBlock(until: end)
    let special = body.body.undeclared(["caller", "kwargs", "varargs"])
    let explicit = parameters.first { $0.reference.name == "caller" }
    if special.contains("caller"), let explicit, explicit.initial == nil {
      throw fault(
        "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.",
        line: line)
    }
    func implicit(_ name: Text) -> Bool {
      special.contains(name) && !parameters.contains { $0.reference.name == name }
    }
    return MacroDefinition(
      name: name, parameters: parameters, caller: implicit("caller") ? reference("caller") : nil,
      named: implicit("kwargs") ? reference("kwargs") : nil,
      positional: implicit("varargs") ? reference("varargs") : nil, body: body, function: function, line: line)
  }

  // MARK: Errors

  private func unclosed() -> TemplateError {
    fault("Unexpected end of template. \(lookingFor(nil))")
  }

  private func unknown(_ tag: String) -> TemplateError {
    fault("Encountered unknown tag '\(tag)'. \(lookingFor(tag))".trimmedEnd)
  }

  private func lookingFor(_ tag: String?) -> String {
    guard let innermost = open.last, !innermost.ends.isEmpty else { return "" }
    let ends = innermost.ends.map { "'\($0)'" }.joined(separator: " or ")
    let isExpected = tag.map { tag in open.contains { $0.ends.contains(tag) } } ?? false
    return
      (isExpected
      ? "You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for \(ends)."
      : "Jinja was looking for the following tags: \(ends).")
      + " The innermost block that needs to be closed is '\(innermost.tag)'."
  }
}

extension String {
  fileprivate var trimmedEnd: String { hasSuffix(" ") ? String(dropLast()) : self }
}

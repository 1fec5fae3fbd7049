// SPDX-License-Identifier: Apache-2.0

/// Relates each use of a name to a variable.
///
/// Each scope is read twice: first for the names that it loads and stores, then for the variables that these are.
///
/// Source: `FrameSymbolVisitor` in `jinja2/idtracking.py`, and the frames of `jinja2/compiler.py`.
struct ScopeAnalysis {
  private let names: [Text]
  private let counts: FunctionCounts
  private var bindings: [Variable]
  private var entries: [[ScopeEntry]]
  /// How many functions surround each function.
  private var levels: [Int]

  /// The program of a parsed template.
  ///
  /// - Throws: When a filter or test does not exist, where Jinja does not wait for its use.
  static func program(_ root: Block, _ parser: Parser) throws(TemplateError) -> Program {
    var analysis = ScopeAnalysis(parser)
    let symbols = Symbols(parent: nil, function: 0, counts: analysis.counts)
    analysis.collect(root.body, symbols)
    try analysis.bind(root.body, symbols, isSoft: false)
    analysis.close(root.scope, symbols)
    return Program(
      root: root, bindings: analysis.bindings, scopes: analysis.entries, functions: analysis.counts.counts)
  }

  private init(_ parser: Parser) {
    names = parser.names
    counts = FunctionCounts(functions: parser.functions)
    bindings = Array(repeating: Variable(hops: 0, index: 0), count: parser.names.count)
    entries = Array(repeating: [], count: parser.scopes)
    levels = Array(repeating: 0, count: parser.functions)
  }

  private func variable(_ place: Symbols.Place, from function: Int) -> Variable {
    Variable(hops: levels[function] - levels[place.function], index: place.index)
  }

  /// Notes how the variables of a scope begin.
  private mutating func close(_ scope: Int, _ symbols: Symbols) {
    entries[scope] = symbols.loads.sorted { $0.key.index < $1.key.index }.compactMap { place, load in
      switch load {
      case .parameter: nil
      case .outer(let outer): ScopeEntry(index: place.index, source: .outer(variable(outer, from: symbols.function)))
      case .context(let name): ScopeEntry(index: place.index, source: .context(name))
      case .nothing: ScopeEntry(index: place.index, source: .nothing)
      }
    }
  }

  // MARK: First reading

  private func collect(_ expression: Expression, _ symbols: Symbols) {
    if case .name(let reference, _) = expression { symbols.load(reference.name) }
    for child in expression.children { collect(child, symbols) }
  }

  private func collect(_ target: Target, _ symbols: Symbols, asParameter: Bool = false) {
    switch target {
    case .name(let reference):
      if asParameter { symbols.declareParameter(reference.name) } else { symbols.store(reference.name) }
    case .attribute(let reference, _): symbols.load(reference.name)
    case .tuple(let parts): for part in parts { collect(part, symbols, asParameter: asParameter) }
    }
  }

  private func collect(_ statements: [Statement], _ symbols: Symbols) {
    for statement in statements { collect(statement, symbols) }
  }

  private func collect(_ statement: Statement, _ symbols: Symbols) {
    switch statement {
    case .data, .leave, .generation: break
    case .output(let value, _): collect(value, symbols)
    case .conditional(let branches, let otherwise): collect(branches[...], otherwise, symbols)
    case .loop(let loop): collect(loop.items, symbols)
    case .assign(let target, let value, _):
      collect(value, symbols)
      collect(target, symbols)
    case .assignBlock(let assign): collect(assign.target, symbols)
    case .macro(let macro): if let name = macro.name { symbols.store(name.name) }
    case .callBlock(let call):
      collect(call.function, symbols)
      for argument in call.arguments.all { collect(argument, symbols) }
    case .filterBlock(let filter, _, _): collect(filter, symbols)
    case .with(let targets, _, _): for target in targets { collect(target.1, symbols) }
    }
  }

  private func collect(
    _ branches: ArraySlice<(test: Expression, body: [Statement])>, _ otherwise: [Statement], _ symbols: Symbols
  ) {
    guard let first = branches.first else { return }
    collect(first.test, symbols)
    let body = symbols.copy()
    collect(first.body, body)
    let others = symbols.copy()
    for index in branches.indices.dropFirst() { collect(branches[index...index], [], others) }
    let last = symbols.copy()
    collect(otherwise, last)
    symbols.update([body, others, last])
  }

  // MARK: Second reading

  private mutating func bind(_ reference: NameReference, _ symbols: Symbols) {
    guard let place = symbols.find(reference.name) else { return }
    bindings[reference.index] = variable(place, from: symbols.function)
  }

  private mutating func bind(_ expression: Expression, _ symbols: Symbols, isSoft: Bool) throws(TemplateError) {
    var isSoft = isSoft
    switch expression {
    case .name(let reference, _): bind(reference, symbols)
    case .filter(_, let use):
      if use.function == nil, !isSoft {
        throw TemplateError(.syntax, "No filter named '\(use.name)'.", line: use.line)
      }
    case .test(_, let use):
      if use.function == nil, !isSoft { throw TemplateError(.syntax, "No test named '\(use.name)'.", line: use.line) }
    case .conditional: isSoft = true
    default: break
    }
    for child in expression.children { try bind(child, symbols, isSoft: isSoft) }
  }

  private mutating func bind(_ target: Target, _ symbols: Symbols) {
    switch target {
    case .name(let reference), .attribute(let reference, _): bind(reference, symbols)
    case .tuple(let parts): for part in parts { bind(part, symbols) }
    }
  }

  private mutating func bind(_ statements: [Statement], _ symbols: Symbols, isSoft: Bool) throws(TemplateError) {
    for statement in statements { try bind(statement, symbols, isSoft: isSoft) }
  }

  private mutating func bind(_ statement: Statement, _ symbols: Symbols, isSoft: Bool) throws(TemplateError) {
    switch statement {
    case .data, .leave: break
    case .output(let value, _): try bind(value, symbols, isSoft: isSoft)
    case .conditional(let branches, let otherwise):
      for branch in branches {
        try bind(branch.test, symbols, isSoft: true)
        try bind(branch.body, symbols, isSoft: true)
      }
      try bind(otherwise, symbols, isSoft: true)
    case .loop(let loop): try bind(loop, symbols, isSoft: isSoft)
    case .assign(let target, let value, _):
      try bind(value, symbols, isSoft: isSoft)
      bind(target, symbols)
    case .assignBlock(let assign):
      bind(assign.target, symbols)
      let inner = try bind(assign.block, symbols, also: assign.filter)
      close(assign.block.scope, inner)
    case .macro(let macro):
      if let name = macro.name { bind(name, symbols) }
      try bind(macro, symbols)
    case .callBlock(let call):
      try bind(call.caller, symbols)
      try bind(call.function, symbols, isSoft: isSoft)
      for argument in call.arguments.all { try bind(argument, symbols, isSoft: isSoft) }
    case .filterBlock(let filter, let block, _): close(block.scope, try bind(block, symbols, also: filter))
    case .with(let targets, let block, _): try bind(targets, block, symbols, isSoft: isSoft)
    case .generation(let block): close(block.scope, try bind(block, symbols, also: nil))
    }
  }

  private func inner(_ symbols: Symbols) -> Symbols {
    Symbols(parent: symbols, function: symbols.function, counts: counts)
  }

  private mutating func bind(
    _ block: Block, _ symbols: Symbols, also filter: Expression?
  ) throws(TemplateError) -> Symbols {
    let inner = inner(symbols)
    collect(block.body, inner)
    if let filter { collect(filter, inner) }
    try bind(block.body, inner, isSoft: false)
    if let filter { try bind(filter, inner, isSoft: false) }
    return inner
  }

  private mutating func bind(_ loop: Loop, _ symbols: Symbols, isSoft: Bool) throws(TemplateError) {
    let body = inner(symbols)
    if loop.state != nil { body.declareParameter("loop") }
    collect(loop.target, body, asParameter: true)
    collect(loop.body.body, body)
    try bind(loop.items, symbols, isSoft: isSoft)
    if let condition = loop.condition {
      let test = inner(symbols)
      collect(condition.target, test, asParameter: true)
      collect(condition.test, test)
      bind(condition.target, test)
      try bind(condition.test, test, isSoft: false)
      close(condition.scope, test)
    }
    if let state = loop.state { bind(state, body) }
    bind(loop.target, body)
    try bind(loop.body.body, body, isSoft: false)
    close(loop.body.scope, body)
    if let otherwise = loop.otherwise { close(otherwise.scope, try bind(otherwise, symbols, also: nil)) }
  }

  private mutating func bind(_ macro: MacroDefinition, _ symbols: Symbols) throws(TemplateError) {
    levels[macro.function] = levels[symbols.function] + 1
    let inner = Symbols(parent: symbols, function: macro.function, counts: counts)
    let implicit = [macro.caller, macro.named, macro.positional].compactMap { $0 }
    for parameter in macro.parameters { inner.declareParameter(parameter.reference.name) }
    for reference in implicit { inner.declareParameter(reference.name) }
    for parameter in macro.parameters { if let initial = parameter.initial { collect(initial, inner) } }
    collect(macro.body.body, inner)
    for parameter in macro.parameters {
      bind(parameter.reference, inner)
      if let initial = parameter.initial { try bind(initial, inner, isSoft: false) }
    }
    for reference in implicit { bind(reference, inner) }
    try bind(macro.body.body, inner, isSoft: false)
    close(macro.body.scope, inner)
  }

  private mutating func bind(
    _ targets: [(Target, Expression)], _ block: Block, _ symbols: Symbols, isSoft: Bool
  ) throws(TemplateError) {
    let inner = inner(symbols)
    for target in targets { collect(target.0, inner, asParameter: true) }
    collect(block.body, inner)
    for target in targets {
      bind(target.0, inner)
      try bind(target.1, symbols, isSoft: isSoft)
    }
    try bind(block.body, inner, isSoft: false)
    close(block.scope, inner)
  }
}

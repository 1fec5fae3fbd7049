// SPDX-License-Identifier: Apache-2.0

/// Finds which of some names statements read before they store them, in the order in which Jinja visits a template.
///
/// Source: `find_undeclared` in `jinja2/compiler.py`.
private struct UndeclaredNames {
  var searched: Set<Text>
  var found: Set<Text> = []

  mutating func load(_ name: Text) { if searched.contains(name) { found.insert(name) } }
  mutating func store(_ name: Text) { searched.remove(name) }

  mutating func visit(_ expression: Expression) {
    if case .name(let reference, _) = expression { load(reference.name) }
    for child in expression.children { visit(child) }
  }

  mutating func visit(_ target: Target) {
    switch target {
    case .name(let reference): store(reference.name)
    case .attribute: break
    case .tuple(let parts): for part in parts { visit(part) }
    }
  }

  mutating func visit(_ statements: [Statement]) { for statement in statements { visit(statement) } }

  mutating func visit(_ macro: MacroDefinition) {
    for parameter in macro.parameters { store(parameter.reference.name) }
    for parameter in macro.parameters { if let initial = parameter.initial { visit(initial) } }
    visit(macro.body.body)
  }

  mutating func visit(_ statement: Statement) {
    switch statement {
    case .data, .leave: break
    case .output(let value, _): visit(value)
    case .conditional(let branches, let otherwise):
      for branch in branches {
        visit(branch.test)
        visit(branch.body)
      }
      visit(otherwise)
    case .loop(let loop):
      visit(loop.target)
      visit(loop.items)
      visit(loop.body.body)
      visit(loop.otherwise?.body ?? [])
      if let condition = loop.condition { visit(condition.test) }
    case .assign(let target, let value, _):
      visit(target)
      visit(value)
    case .assignBlock(let assign):
      visit(assign.target)
      if let filter = assign.filter { visit(filter) }
      visit(assign.block.body)
    case .macro(let macro): visit(macro)
    case .callBlock(let call):
      visit(call.function)
      for argument in call.arguments.all { visit(argument) }
      visit(call.caller)
    case .filterBlock(let filter, let block, _):
      visit(block.body)
      visit(filter)
    case .with(let targets, let block, _):
      for target in targets { visit(target.0) }
      for target in targets { visit(target.1) }
      visit(block.body)
    case .generation(let block): visit(block.body)
    }
  }
}

extension [Statement] {
  /// Which of some names these statements read before they store them.
  func undeclared(_ names: Set<Text>) -> Set<Text> {
    var search = UndeclaredNames(searched: names)
    search.visit(self)
    return search.found
  }
}

extension Parser {
  /// Whether statements, or those inside them, assign to a name.
  static func assigns(_ name: Text, _ statements: [Statement]) -> Bool {
    statements.contains { statement in
      switch statement {
      case .data, .leave, .output: false
      case .conditional(let branches, let otherwise):
        branches.contains { assigns(name, $0.body) } || assigns(name, otherwise)
      case .loop(let loop):
        loop.target.names.contains(name) || assigns(name, loop.body.body) || assigns(name, loop.otherwise?.body ?? [])
      case .assign(let target, _, _): target.names.contains(name)
      case .assignBlock(let assign): assign.target.names.contains(name) || assigns(name, assign.block.body)
      case .macro(let macro): assigns(name, macro.body.body)
      case .callBlock(let call): assigns(name, call.caller.body.body)
      case .filterBlock(_, let block, _), .with(_, let block, _), .generation(let block): assigns(name, block.body)
      }
    }
  }
}

extension Target {
  /// The names that it stores.
  var names: [Text] {
    switch self {
    case .name(let reference): [reference.name]
    case .attribute: []
    case .tuple(let parts): parts.flatMap(\.names)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A statement of a template.
indirect enum Statement: Sendable {
  case data(Text)
  case output(Expression, line: Int)
  case conditional([(test: Expression, body: [Statement])], otherwise: [Statement])
  case loop(Loop)
  case assign(Target, Expression, line: Int)
  case assignBlock(AssignBlock)
  case macro(MacroDefinition)
  case callBlock(CallBlock)
  case filterBlock(Expression, Block, line: Int)
  case with(targets: [(Target, Expression)], Block, line: Int)
  /// The part of a chat that the assistant wrote (`generation`); its own scope, printed as it is.
  case generation(Block)
  case leave(Leave)

  /// `break` and `continue`.
  enum Leave: Sendable {
    case loop
    case turn
  }
}

/// Statements with a scope of their own.
struct Block: Sendable {
  let body: [Statement]
  /// Its place in the table of scopes.
  let scope: Int
}

/// What is assigned to.
indirect enum Target: Sendable {
  case name(NameReference)
  case attribute(NameReference, Text)
  case tuple([Target])
}

/// A `for` loop.
struct Loop: Sendable {
  let target: Target
  let items: Expression
  /// The condition with the scope that it is read in, and its own copy of the target.
  let condition: Condition?
  let body: Block
  let otherwise: Block?
  /// The variable `loop`, when the body names it.
  let state: NameReference?
  let line: Int

  struct Condition: Sendable {
    let target: Target
    let test: Expression
    let scope: Int
  }
}

/// `{% set x %}…{% endset %}`.
struct AssignBlock: Sendable {
  let target: Target
  let filter: Expression?
  let block: Block
  let line: Int
}

/// A macro, or the body of a `call` block.
struct MacroDefinition: Sendable {
  /// Nil for a `call` block.
  let name: NameReference?
  let parameters: [Parameter]
  let caller: NameReference?
  let named: NameReference?
  let positional: NameReference?
  let body: Block
  /// Its place in the table of functions, which says how many variables it has.
  let function: Int
  let line: Int

  struct Parameter: Sendable {
    let reference: NameReference
    let initial: Expression?
  }
}

/// `{% call f() %}…{% endcall %}`.
struct CallBlock: Sendable {
  let caller: MacroDefinition
  let function: Expression
  let arguments: CallArguments
  let line: Int
}

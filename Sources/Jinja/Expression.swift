// SPDX-License-Identifier: Apache-2.0

/// A use of a name: its place in the table that the scopes fill once a template is parsed.
struct NameReference: Sendable {
  let name: Text
  let index: Int
}

/// An expression of a template.
///
/// Lines are those that an error names.
indirect enum Expression: Sendable {
  case text(Text)
  case int(Int)
  case double(Double)
  case bool(Bool)
  case none
  case name(NameReference, line: Int)
  case list([Expression], line: Int)
  case tuple([Expression], line: Int)
  case dict([(key: Expression, value: Expression)], line: Int)
  case attribute(Expression, Text, line: Int)
  case subscripted(Expression, Expression, line: Int)
  case sliced(Expression, start: Expression?, stop: Expression?, step: Expression?, line: Int)
  case call(Expression, CallArguments, line: Int)
  case filter(Expression?, FilterUse)
  case test(Expression, TestUse)
  case not(Expression)
  case and(Expression, Expression)
  case or(Expression, Expression)
  case compare(Expression, [(Comparison, Expression)], line: Int)
  case binary(BinaryOperator, Expression, Expression, line: Int)
  case join([Expression], line: Int)
  case sign(isNegative: Bool, Expression, line: Int)
  case conditional(Expression, then: Expression, otherwise: Expression?, line: Int)
}

/// An operator of arithmetic.
enum BinaryOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
}

/// The arguments that a call is written with.
struct CallArguments: Sendable {
  var positional: [Expression] = []
  var named: [(name: Text, value: Expression)] = []
  var spread: Expression?
  var spreadNamed: Expression?

  var all: [Expression] { positional + named.map(\.value) + [spread, spreadNamed].compactMap { $0 } }
}

/// A filter with its arguments; without a function when no filter has that name.
struct FilterUse: Sendable {
  let name: String
  let function: FilterFunction?
  let arguments: CallArguments
  let line: Int
}

/// A test with its arguments; without a function when no test has that name.
struct TestUse: Sendable {
  let name: String
  let function: TestFunction?
  let arguments: CallArguments
  let line: Int
}

extension Expression {
  /// The expressions that it is made of.
  var children: [Expression] {
    switch self {
    case .text, .int, .double, .bool, .none, .name: []
    case .list(let items, _), .tuple(let items, _), .join(let items, _): items
    case .dict(let members, _): members.flatMap { [$0.key, $0.value] }
    case .attribute(let value, _, _), .not(let value), .sign(_, let value, _): [value]
    case .subscripted(let value, let key, _): [value, key]
    case .sliced(let value, let start, let stop, let step, _): [value] + [start, stop, step].compactMap { $0 }
    case .call(let function, let arguments, _): [function] + arguments.all
    case .filter(let value, let use): [value].compactMap { $0 } + use.arguments.all
    case .test(let value, let use): [value] + use.arguments.all
    case .and(let left, let right), .or(let left, let right), .binary(_, let left, let right, _): [left, right]
    case .compare(let first, let others, _): [first] + others.map(\.1)
    case .conditional(let test, let then, let otherwise, _): [test, then] + [otherwise].compactMap { $0 }
    }
  }
}

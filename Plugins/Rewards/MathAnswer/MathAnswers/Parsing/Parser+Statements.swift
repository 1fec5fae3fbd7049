// SPDX-License-Identifier: Apache-2.0

extension Parser {
  /// An expression, or statements such as `p \lor (q \land r)`; what `\land` joins beside them are parts of a list.
  ///
  /// Statements are ordered by how much they claim, so that "and" is the minimum of two and "or" the maximum: both are
  /// associative, commutative and distributive, and a sign in front of them exchanges the two, as negation does.
  mutating func statement() throws(ReadingFault) -> Node {
    let first = try setExpression()
    guard first.isStatement, next?.joinsStatements == true else { return first }
    // What `or` joins, each of them what `and` joins.
    var alternatives = [[first]]
    while let token = next, token.joinsStatements {
      let start = self
      index += 1
      let operand = try? setExpression()
      // `x = a \lor x = b`
      if case .relation = next { self = start; break }
      guard let operand, operand.isStatement else { self = start; break }
      if case .conjunction = token {
        alternatives[alternatives.count - 1].append(operand)
      } else {
        alternatives.append([operand])
      }
      try nest()
    }
    return Self.joined(alternatives.map { Self.joined($0, by: .minimum) }, by: .maximum)
  }

  private static func joined(_ parts: [Node], by function: Function) -> Node {
    parts.count == 1 ? parts[0] : .call(function, parts)
  }
}

extension Token {
  /// Whether it is `\land` or `\lor`.
  fileprivate var joinsStatements: Bool {
    switch self {
    case .conjunction, .disjunction: true
    default: false
    }
  }
}

extension Node {
  /// Whether it can be true or false: a name, or what connectives make of names.
  fileprivate var isStatement: Bool {
    switch self {
    case .symbol(let symbol): symbol != .pi && symbol != .unnamed
    case .negative(let part): part.isStatement
    case .call(.minimum, let parts), .call(.maximum, let parts): parts.allSatisfy(\.isStatement)
    default: false
    }
  }
}

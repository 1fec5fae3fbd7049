// SPDX-License-Identifier: Apache-2.0

/// Compares what two answers say, within one budget.
struct Comparer {
  let rules: AnswerRules
  var budget = Budget()
  private var depth = 0

  init(rules: AnswerRules) { self.rules = rules }

  /// Whether two nodes say the same; the order of the two does not matter.
  mutating func compare(_ first: Node, _ second: Node) -> MathVerdict {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 2 * Parser.largestDepth else { return .tooLarge }
    let (left, right) = (first.withoutCondition, second.withoutCondition)
    switch (left.claim, right.claim) {
    case (let a?, let b?):
      if let verdict = compareClaims(a, b) { return verdict } else { return compareRelations(left, right) }
    case (let a?, nil): if !right.isRelation { return compareClaim(a, with: right) }
    case (nil, let b?): if !left.isRelation { return compareClaim(b, with: left) }
    case (nil, nil): break
    }
    if let a = left.matrixEntries { return compareMatrices(a, right) }
    if let b = right.matrixEntries { return compareMatrices(b, left) }
    if left.isRealSet, right.isRealSet {
      // `x < 1` and `y < 1`
      let (a, b) = (left.subjects, right.subjects)
      if !a.isEmpty, !b.isEmpty, a != b { return .different }
    }
    if left.isRealSet || right.isRealSet, let verdict = compareRealSets(left, right) {
      // Of several sets side by side each counts, also where another holds all of it.
      if verdict == .equal, case .list(let parts, .comma) = left, case .list(let others, .comma) = right,
        parts.count == others.count
      {
        return compareUnordered(parts, others)
      }
      return verdict
    }
    if left.isRelation || right.isRelation {
      guard left.isRelation, right.isRelation else { return compareParts(left, right) }
      return compareRelations(left, right)
    }
    if left.isScalar, right.isScalar, !left.hasPlusMinus, !right.hasPlusMinus { return compareScalars(left, right) }
    return compareParts(left, right)
  }

  /// Tuples part by part, lists and sets in any order.
  private mutating func compareParts(_ left: Node, _ right: Node) -> MathVerdict {
    switch (left, right) {
    case (.text(let a), .text(let b)): return a == b ? .equal : .different
    case (.tuple(let a, let parts), .tuple(let b, let others)):
      if left.hasPlusMinus || right.hasPlusMinus { break }
      guard a == b || parts.count != 2 else { return .different }
      return compareInOrder(parts, others)
    case (.tuple(let brackets, let parts), .list(let others, _)),
      (.list(let others, _), .tuple(let brackets, let parts)):
      if left.hasPlusMinus || right.hasPlusMinus { break }
      guard brackets == .round || parts.count != 2 else { return .different }
      if others.contains(where: { if case .tuple = $0 { true } else { false } }) { break }
      return compareInOrder(parts, others)
    case (.ratio(let parts), .ratio(let others)): return compareRatios(parts, others)
    case (.numberSet(let a), .numberSet(let b)): return a == b ? .equal : .different
    case (.union(let parts), .union(let others)), (.intersection(let parts), .intersection(let others)):
      return compareUnordered(parts, others)
    case (.difference(let a, let b), .difference(let c, let d)): return compareInOrder([a, b], [c, d])
    default: break
    }
    if left.isUnread || right.isUnread {
      // Of what is no number nothing is a number.
      return left.isUnread != right.isUnread && (left.isScalar || right.isScalar)
        ? .different : .unknown("an answer is of a kind that is not compared")
    }
    guard left.isCollection || right.isCollection, let parts = left.unorderedParts, let others = right.unorderedParts
    else { return .different }
    return compareUnordered(parts, others, areSets: left.isSet || right.isSet)
  }

  mutating func compareInOrder(_ parts: [Node], _ others: [Node]) -> MathVerdict {
    guard parts.count == others.count else { return .different }
    var verdict = MathVerdict.equal
    for (part, other) in zip(parts, others) {
      verdict = verdict.and(compare(part, other))
      if verdict == .different { return .different }
    }
    return verdict
  }

  /// `2:3:4` and `4:6:8`.
  private mutating func compareRatios(_ parts: [Node], _ others: [Node]) -> MathVerdict {
    guard parts.count == others.count, let first = parts.first, let other = others.first else { return .different }
    var verdict = MathVerdict.equal
    for index in parts.indices.dropFirst() {
      verdict = verdict.and(compareScalars(.product([first, others[index]]), .product([other, parts[index]])))
      if verdict == .different { return .different }
    }
    return verdict
  }

  private mutating func compareMatrices(_ rows: [[Node]], _ other: Node) -> MathVerdict {
    if let others = other.matrixEntries {
      // A vector may be written as a row or as a column.
      if rows.map(\.count) != others.map(\.count) {
        guard Self.isVector(rows), Self.isVector(others) else { return .different }
      }
      return compareInOrder(rows.flatMap { $0 }, others.flatMap { $0 })
    }
    if case .tuple(_, let parts) = other, Self.isVector(rows) { return compareInOrder(rows.flatMap { $0 }, parts) }
    if rows.count == 1, rows[0].count == 1 { return compare(rows[0][0], other) }
    return .different
  }

  private static func isVector(_ rows: [[Node]]) -> Bool { rows.count == 1 || rows.allSatisfy { $0.count == 1 } }
}

extension Node {
  /// Whether it is only names: a variable, a function of something, products, quotients and sums of variables.
  var isName: Bool {
    switch self {
    case .symbol, .opaque, .text: true
    case .product(let parts), .ratio(let parts), .sum(let parts), .tuple(_, let parts): parts.allSatisfy(\.isName)
    case .quotient(let left, let right): left.isName && right.isName
    case .call(.absolute, let parts): parts.allSatisfy(\.isName)
    case .unit(let unit): unit.kind == .word
    default: false
    }
  }

  /// Whether it is an equation, an inequality, or another relation.
  var isRelation: Bool { if case .relation = self { true } else { false } }

  /// The same without the part that says which numbers a variable runs through: `k \in \mathbb{Z}`.
  var withoutCondition: Node {
    guard case .list(let parts, let connective) = self else { return self }
    let rest = parts.filter {
      guard case .relation(_, let links) = $0, let last = links.last, last.relation == .element else { return true }
      if case .numberSet = last.node { return false }
      return true
    }
    if rest.isEmpty || rest.count == parts.count { return self }
    return rest.count == 1 ? rest[0] : .list(rest, connective)
  }

  /// Whether both are the same words.
  func isSameText(as other: Node) -> Bool {
    if case .text(let text) = self, case .text(let otherText) = other { return text == otherText }
    return false
  }

  /// Whether it is an expression of things that are no numbers: the sine of a matrix, the sum of two sets.
  var isUnread: Bool {
    switch self {
    case .sum, .product, .quotient, .power, .negative, .plusMinus, .call: !isScalar && matrixEntries == nil
    case .ratio(let parts): !parts.allSatisfy(\.isScalar)
    default: false
    }
  }

  /// Whether it is a set in braces.
  fileprivate var isSet: Bool { if case .set = self { true } else { false } }

  /// Whether it stands for several things: a list, a set, an expression with `±`.
  var isCollection: Bool {
    switch self {
    case .list, .set: true
    default: hasPlusMinus
    }
  }

  /// The parts where their order does not matter; a part alone is a list of one, `±` stands for two.
  var unorderedParts: [Node]? {
    switch self {
    case .list(let parts, _), .set(let parts):
      return parts.flatMap {
        $0.hasPlusMinus ? [$0.resolvingPlusMinus(upper: true), $0.resolvingPlusMinus(upper: false)] : [$0]
      }
    case .tuple, .sum, .product, .quotient, .power, .negative, .plusMinus, .call, .opaque, .number, .symbol, .text,
      .relation, .unit, .infinity:
      return hasPlusMinus ? [resolvingPlusMinus(upper: true), resolvingPlusMinus(upper: false)] : [self]
    default: return nil
    }
  }
}

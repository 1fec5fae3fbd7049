// SPDX-License-Identifier: Apache-2.0

extension Comparer {
  /// Whether two relations say the same, up to a factor, the order of the terms, and the direction of reading.
  mutating func compareRelations(_ first: Node, _ second: Node) -> MathVerdict {
    guard case .relation(let left, let links) = first, case .relation(let other, let otherLinks) = second else {
      return .different
    }
    guard links.count == otherLinks.count else { return .different }
    if links.count > 1 {
      let verdict = compareChains(left, links, other, otherLinks)
      if verdict != .different { return verdict }
      guard let last = otherLinks.last else { return verdict }
      // Read from right to left.
      let reversed = zip(otherLinks.reversed(), Array(otherLinks.reversed().dropFirst().map(\.node)) + [other]).map {
        Node.Link(relation: $0.relation.flipped, node: $1)
      }
      return compareChains(left, links, last.node, reversed)
    }
    return compareSingle(left, links[0], other, otherLinks[0])
  }

  private mutating func compareChains(
    _ left: Node, _ links: [Node.Link], _ other: Node, _ otherLinks: [Node.Link]
  ) -> MathVerdict {
    guard links.map(\.relation) == otherLinks.map(\.relation) else { return .different }
    return compareInOrder([left] + links.map(\.node), [other] + otherLinks.map(\.node))
  }

  private mutating func compareSingle(
    _ left: Node, _ link: Node.Link, _ other: Node, _ otherLink: Node.Link
  ) -> MathVerdict {
    guard link.relation.isOfNumbers, left.isScalar, link.node.isScalar, other.isScalar, otherLink.node.isScalar else {
      if link.relation == otherLink.relation {
        let verdict = compareInOrder([left, link.node], [other, otherLink.node])
        if verdict != .different { return verdict }
      }
      // `p → q` is not `q → p`.
      guard link.relation.flipped == otherLink.relation,
        link.relation.isOfNumbers || link.relation.flipped != link.relation || link.relation.isSymmetric
      else { return .different }
      return compareInOrder([left, link.node], [otherLink.node, other])
    }
    let kinds = (link.relation, otherLink.relation)
    guard kinds.0 == kinds.1 || kinds.0.flipped == kinds.1 else { return .different }
    if left.subjects.isEmpty, link.node.subjects.isEmpty {
      // Of numbers alone each side counts: two of them are always proportional.
      let verdict = kinds.0 == kinds.1 ? compareInOrder([left, link.node], [other, otherLink.node]) : .different
      guard verdict != .equal, kinds.0.flipped == kinds.1 else { return verdict }
      return compareInOrder([left, link.node], [otherLink.node, other])
    }
    let a = Node.sum([left, .negative(link.node)])
    let b = Node.sum([other, .negative(otherLink.node)])
    guard a.subjects == b.subjects else { return .different }
    do throws(EvaluationFault) {
      guard let isPositive = try ratioIsPositive(a, b) else {
        // Polynomials that are not proportional have other zeros; `xy = 1` and `y = 1/x` are left open.
        if a.isPolynomial, b.isPolynomial { return .different }
        if kinds.0 == .equal, try haveSameNumerator(a, b) { return .equal }
        if kinds.0.isOrder, try holdsElsewhere(a, kinds.0, b, kinds.1) { return .different }
        return .unknown("the equations are not proportional, which does not make their solutions different")
      }
      if !kinds.0.isOrder { return .equal }
      return (kinds.0 == kinds.1) == isPositive ? .equal : .different
    } catch {
      return error == .undefined ? .different : error.verdict
    }
  }

  /// Whether two rational expressions have proportional numerators, so that their zeros are the same: `xy = 1` and
  /// `y = 1/x`.
  private mutating func haveSameNumerator(_ first: Node, _ second: Node) throws(EvaluationFault) -> Bool {
    var ratio: (Remainder, Remainder)?
    for index in 0..<UInt64(3) {
      let evaluator = ResidueEvaluator(units: .converted, index: index)
      guard let a = try evaluator.residue(of: first, &budget)?.numerator,
        let b = try evaluator.residue(of: second, &budget)?.numerator, !a.hasZero, !b.hasZero
      else { return false }
      if let ratio, a * ratio.1 != b * ratio.0 { return false }
      ratio = ratio ?? (a, b)
    }
    return true
  }

  /// Whether one of two inequalities, each an expression compared with zero, holds at a point where the other does not.
  private mutating func holdsElsewhere(
    _ first: Node, _ relation: Relation, _ second: Node, _ otherRelation: Relation
  ) throws(EvaluationFault) -> Bool {
    var point = EvaluationPoint()
    point.variesFunctions = true
    for index in 0..<Self.widePointCount {
      point.index = index
      point.domain = index % 2 == 0 ? .wide : .real
      var evaluator = ComplexEvaluator(point)
      guard let a = try? evaluator.value(of: first, &budget), let b = try? evaluator.value(of: second, &budget),
        a.isReal, b.isReal, !a.isZero, !b.isZero
      else {
        if budget.isSpent { throw .tooLarge }
        continue
      }
      if (a.re.isNegative == relation.isLess) != (b.re.isNegative == otherRelation.isLess) { return true }
    }
    return false
  }

  /// Whether two expressions are proportional, and the sign of the factor; nil where they are not.
  private mutating func ratioIsPositive(_ first: Node, _ second: Node) throws(EvaluationFault) -> Bool? {
    var values: [(ComplexValue, ComplexValue)] = []
    let counts = first.countsWithVariables || second.countsWithVariables
    let wideCount = counts || first.pieces == .none && second.pieces == .none ? 0 : Self.widePointCount
    for index in 0..<Self.pointCount + 1 + wideCount {
      var point = EvaluationPoint()
      point.index = index
      point.domain = counts ? .whole : index <= Self.pointCount ? .real : .wide
      point.variesFunctions = true
      var evaluator = ComplexEvaluator(point)
      values.append((try evaluator.value(of: first, &budget), try evaluator.value(of: second, &budget)))
    }
    let (a, b) = values[0]
    if a.isZero || b.isZero {
      // Both hold for every value of the variables.
      return values.allSatisfy { $0.0.isZero && $0.1.isZero } ? true : nil
    }
    for (left, right) in values.dropFirst() {
      switch (left * b).compare(with: right * a) {
      case .equal: continue
      case .different: return nil
      case .imprecise: throw .tooLarge
      }
    }
    let ratio = try a * b.reciprocal()
    // A complex factor keeps an equation's solutions; of an order there is none.
    return ratio.re.isNegative ? false : true
  }
}

extension Node {
  /// Whether it is made of numbers and variables by sums, products and whole powers.
  fileprivate var isPolynomial: Bool {
    switch self {
    case .number, .symbol: true
    case .sum(let parts), .product(let parts): parts.allSatisfy(\.isPolynomial)
    case .negative(let node): node.isPolynomial
    case .quotient(let above, let below): above.isPolynomial && below.variables.isEmpty
    case .power(let base, let exponent): base.isPolynomial && (WholeNumbers.value(of: exponent) ?? -1) >= 0
    case .call(let function, let parts): function == .root && parts.allSatisfy { $0.variables.isEmpty }
    default: false
    }
  }
}

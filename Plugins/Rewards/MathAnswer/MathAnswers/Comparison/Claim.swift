// SPDX-License-Identifier: Apache-2.0

/// What a chain of `=` and `≈` says of one quantity: `x = \frac{6}{2} = 3`, `2\sqrt{3} \approx 3.46`.
struct Claim {
  /// What the quantity is called; nil where the chain has numbers alone.
  let name: Node?
  /// The values it is said to have, in order; of numbers alone all sides.
  let sides: [Node]
  /// How many of the values stand before the first `≈`.
  let exactCount: Int

  /// The last value that is no rounding.
  var exact: Node? { exactCount > 0 ? sides[exactCount - 1] : nil }
  /// The values behind the first `≈`.
  var rounded: ArraySlice<Node> { sides[exactCount...] }
  /// The value where a single one is asked for.
  var value: Node { exact ?? sides[sides.count - 1] }

  init(name: Node?, sides: [Node], exactCount: Int? = nil) {
    self.name = name
    self.sides = sides
    self.exactCount = exactCount ?? sides.count
  }
}

extension Node {
  /// What it says of a quantity: `x = 5`, `f(x) = x^2`, `(p, q) = (3, 2)`, `x \in \{1, 2\}`, `3 · 2 = 6`; nil for an
  /// equation and for what is no relation.
  var claim: Claim? {
    // `A(1, 2)`: a point with its name.
    if case .product(let parts) = self, parts.count == 2, parts[0].isName, case .tuple = parts[1] {
      return Claim(name: parts[0], sides: [parts[1]])
    }
    guard case .relation(let first, let links) = self, let last = links.last else { return nil }
    if links.count == 1, last.relation == .element, first.isName {
      // Any whole number is no value.
      if case .numberSet = last.node { return nil }
      return Claim(name: first, sides: [last.node])
    }
    guard links.allSatisfy({ $0.relation == .equal || $0.relation == .approximately }) else { return nil }
    let exactLinks = links.firstIndex { $0.relation == .approximately } ?? links.count
    if first.isName { return Claim(name: first, sides: links.map(\.node), exactCount: exactLinks) }
    if first.isConstant, links.allSatisfy({ $0.node.isConstant }) {
      return Claim(name: nil, sides: [first] + links.map(\.node), exactCount: exactLinks + 1)
    }
    // `5 = x`
    if links.count == 1, last.node.isName, first.isScalar, first.variables.isEmpty {
      return Claim(name: last.node, sides: [first])
    }
    return nil
  }

  /// Whether it is a number without variables and without functions that are known by name only.
  var isConstant: Bool { isScalar && variables.isEmpty }
}

extension Comparer {
  /// What two chains say of their quantities; nil where they are equations to be compared as such.
  mutating func compareClaims(_ first: Claim, _ second: Claim) -> MathVerdict? {
    if let name = first.name, let other = second.name {
      guard compareScalars(name, other) == .equal || name.isSameText(as: other) else {
        if name.isScalar, other.isScalar { return nil }
        return compare(name, other).and(compare(first.value, second.value))
      }
    }
    if (first.name == nil) == (second.name == nil), first.sides.count == second.sides.count,
      first.exactCount == second.exactCount
    {
      return compareSideBySide(first, second)
    }
    // `3 · 4 = 12` and `2 · 6 = 2 · 2 · 3 = 12`; of an exact value and a rounded one the rounded ones decide.
    if let a = first.exact, let b = second.exact { return compare(a, b) }
    for value in first.sides where compareClaim(second, with: value) == .equal { return .equal }
    return .different
  }

  /// Chains of the same length say the same when each side does: one that is false is not the other.
  private mutating func compareSideBySide(_ first: Claim, _ second: Claim) -> MathVerdict {
    var verdict = MathVerdict.equal
    for (index, (side, other)) in zip(first.sides, second.sides).enumerated() {
      var next = compare(side, other)
      if next != .equal, index >= first.exactCount, let exact = first.exact, side.units.isEmpty || other.units.isEmpty,
        isRounding(side, of: exact), isRounding(other, of: exact)
      {
        next = .equal
      }
      verdict = verdict.and(next)
      if verdict == .different { return .different }
    }
    return verdict
  }

  /// Whether a single answer is the value that a chain ends in, or one of its roundings.
  mutating func compareClaim(_ claim: Claim, with node: Node) -> MathVerdict {
    let verdict = compare(claim.value, node)
    if verdict == .equal || claim.rounded.isEmpty || claim.exact == nil { return verdict }
    // `1 \approx 5` is no 5.
    guard isConsistent(claim) else { return verdict }
    for side in claim.rounded where compare(side, node) == .equal { return .equal }
    // `2\sqrt{3} \approx 3.46` and `3.464`.
    if let exact = claim.exact, let stated = claim.rounded.first, stated.units.isEmpty || node.units.isEmpty,
      node.writtenPlaces >= max(1, stated.writtenPlaces),
      isRounding(node, of: exact)
    {
      return .equal
    }
    return verdict
  }

  /// Whether what stands behind each `≈` is what stands before it, as far as it is written.
  private mutating func isConsistent(_ claim: Claim) -> Bool {
    for index in max(1, claim.exactCount)..<claim.sides.count {
      let (before, after) = (claim.sides[index - 1], claim.sides[index])
      guard before.isConstant, after.isConstant, !before.hasPlusMinus, !after.hasPlusMinus else { continue }
      if compareScalars(before, after) == .equal { continue }
      guard let (a, _) = approximateValue(of: before), let (b, _) = approximateValue(of: after),
        abs(a - b) < after.lastPlace
      else { return false }
    }
    return true
  }

  /// Whether a decimal is a value rounded to the places that it is written with.
  private mutating func isRounding(_ decimal: Node, of exact: Node) -> Bool {
    guard decimal.isConstant, exact.isConstant, let (a, _) = approximateValue(of: decimal),
      let (b, _) = approximateValue(of: exact)
    else { return false }
    return abs(a - b) <= 0.5000001 * decimal.lastPlace
  }
}

extension Node {
  /// The unit of the last place that it is written with; 0 where it is no decimal.
  fileprivate var lastPlace: Double {
    guard let number = writtenNumber else { return 0 }
    var unit = 1.0
    for _ in 0..<min(number.places, 300) { unit /= 10 }
    return unit
  }
}

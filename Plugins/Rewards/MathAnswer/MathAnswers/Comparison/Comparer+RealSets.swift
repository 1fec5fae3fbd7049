// SPDX-License-Identifier: Apache-2.0

/// Sets of real numbers as the points that bound them and the gaps between: each is inside or outside.
///
/// With the `n` bounds of both sets in order, cell `2k + 1` is the bound `k` and cell `2k` the gap before it, so that
/// unions, intersections and complements are those of rows of bits.
extension Comparer {
  /// How many bounds two sets may have together.
  private static let largestCount = 512

  /// Compares two sets of real numbers; nil where one of them is none.
  mutating func compareRealSets(_ first: Node, _ second: Node) -> MathVerdict? {
    guard let left = realSet(first), let right = realSet(second) else { return nil }
    var bounds: [Node] = []
    left.collectBounds(&bounds)
    right.collectBounds(&bounds)
    guard bounds.count <= Self.largestCount else { return .tooLarge }
    guard let order = ranks(of: bounds) else { return .unknown("a bound of a set is no real number") }
    var position = 0
    let cellCount = 2 * order.distinctCount + 1
    let cells = left.cells(order.ranks, &position, cellCount)
    return cells == right.cells(order.ranks, &position, cellCount) ? .equal : .different
  }

  /// The rank of each bound among the distinct ones.
  private mutating func ranks(of bounds: [Node]) -> (ranks: [Int], distinctCount: Int)? {
    var values: [(value: Double, index: Int)] = []
    for (index, bound) in bounds.enumerated() {
      guard let (re, im) = approximateValue(of: bound), im == 0 || abs(im) < 1e-30, re.isFinite else { return nil }
      values.append((re, index))
    }
    values.sort { ($0.value, $0.index) < ($1.value, $1.index) }
    var ranks = [Int](repeating: 0, count: bounds.count)
    var rank = 0
    for (position, entry) in values.enumerated() {
      if position > 0 {
        let before = values[position - 1]
        let isNear = abs(entry.value - before.value) <= 1e-5 * max(1, abs(entry.value))
        if !isNear || compareScalars(bounds[before.index], bounds[entry.index]) != .equal { rank += 1 }
      }
      ranks[entry.index] = rank
    }
    return (ranks, bounds.isEmpty ? 0 : rank + 1)
  }

  /// A node as a set of real numbers, or nil.
  mutating func realSet(_ node: Node) -> RealSet? {
    switch node {
    case .tuple(let brackets, let ends):
      guard ends.count == 2, ends.allSatisfy({ $0.isScalar && $0.variables.isEmpty && !$0.hasPlusMinus }) else {
        return nil
      }
      return interval(ends[0], brackets.holdsLower, ends[1], brackets.holdsUpper)
    case .set(let parts):
      guard parts.allSatisfy({ $0.isScalar && $0.variables.isEmpty && $0.infinitySign == nil && !$0.hasPlusMinus })
      else {
        return nil
      }
      return .union(parts.map { .interval($0, true, $0, true) })
    case .union(let parts): return combined(parts).map { .union($0) }
    case .intersection(let parts): return combined(parts).map { .intersection($0) }
    case .difference(let left, let right):
      guard let left = realSet(left), let right = realSet(right) else { return nil }
      return .intersection([left, .complement(right)])
    case .numberSet(.reals): return .interval(nil, false, nil, false)
    case .numberSet(.empty): return .union([])
    case .relation(let left, let links): return realSet(left, links)
    case .list(let parts, let connective):
      guard parts.contains(where: \.isRealSet) else { return nil }
      guard let sets = combined(parts) else { return nil }
      // Intervals side by side are taken together; relations may have to hold at once.
      if connective == .or || !parts.contains(where: \.isRelation) { return .union(sets) }
      if connective == .and || !parts.allSatisfy(\.isOrderRelation) { return .intersection(sets) }
      // `x < 1, x > 2` can only mean either.
      return isEmpty(.intersection(sets)) ? .union(sets) : .intersection(sets)
    default: return nil
    }
  }

  /// An interval; nil where its ends stand in the wrong order, as in `(5, -\infty)`: that is a pair and no set.
  private mutating func interval(_ lower: Node, _ holdsLower: Bool, _ upper: Node, _ holdsUpper: Bool) -> RealSet? {
    let (first, last) = (lower.infinitySign, upper.infinitySign)
    guard first ?? -1 < 0, last ?? 1 > 0 else { return nil }
    if first == nil, last == nil {
      guard let (a, _) = approximateValue(of: lower), let (b, _) = approximateValue(of: upper),
        a < b || a == b && holdsLower && holdsUpper
      else { return nil }
    }
    return .interval(first == nil ? lower : nil, holdsLower, last == nil ? upper : nil, holdsUpper)
  }

  private mutating func isEmpty(_ set: RealSet) -> Bool {
    var bounds: [Node] = []
    set.collectBounds(&bounds)
    guard bounds.count <= Self.largestCount, let order = ranks(of: bounds) else { return false }
    var position = 0
    return !set.cells(order.ranks, &position, 2 * order.distinctCount + 1).contains(true)
  }

  private mutating func combined(_ parts: [Node]) -> [RealSet]? {
    var sets: [RealSet] = []
    for part in parts {
      guard let set = realSet(part) else { return nil }
      sets.append(set)
    }
    return sets
  }

  /// The numbers for which relations hold: `-2 ≤ x < 7`, `2x + 1 > 5`, `x ≠ 3`, `x ∈ (1, 2)`.
  private mutating func realSet(_ first: Node, _ links: [Node.Link]) -> RealSet? {
    if links.count == 1, links[0].relation == .element { return first.isName ? realSet(links[0].node) : nil }
    guard links.allSatisfy({ $0.relation.isOrder || $0.relation == .notEqual }) else { return nil }
    if links.contains(where: { $0.relation == .notEqual && $0.node.hasPlusMinus }), links.count == 1,
      !first.hasPlusMinus
    {
      // `x \neq \pm 5`
      return realSet(first, [.init(relation: .notEqual, node: links[0].node.resolvingPlusMinus(upper: true))]).flatMap {
        upper in
        realSet(first, [.init(relation: .notEqual, node: links[0].node.resolvingPlusMinus(upper: false))]).map {
          .intersection([upper, $0])
        }
      }
    }
    var sets: [RealSet] = []
    var variable: Symbol?
    var left = first.asVariable
    let links = links.map { Node.Link(relation: $0.relation, node: $0.node.asVariable) }
    for link in links {
      guard left.isScalar, link.node.isScalar, !left.hasPlusMinus, !link.node.hasPlusMinus else { return nil }
      let variables = left.variables.union(link.node.variables)
      guard variables.count == 1, let only = variables.first, variable ?? only == only else { return nil }
      variable = only
      guard let set = solution(left, link.relation, link.node, only) else { return nil }
      sets.append(set)
      left = link.node
    }
    return sets.count == 1 ? sets[0] : .intersection(sets)
  }

  /// The solutions of one inequality that is linear in its variable.
  private mutating func solution(_ left: Node, _ relation: Relation, _ right: Node, _ variable: Symbol) -> RealSet? {
    if case .symbol(variable) = left, right.variables.isEmpty { return Self.half(relation, right) }
    if case .symbol(variable) = right, left.variables.isEmpty { return Self.half(relation.flipped, left) }
    if case .call(.absolute, let inside) = left, right.variables.isEmpty, relation.isOrder {
      return solution(ofAbsolute: inside[0], relation, right, variable)
    }
    if case .call(.absolute, let inside) = right, left.variables.isEmpty, relation.isOrder {
      return solution(ofAbsolute: inside[0], relation.flipped, left, variable)
    }
    let difference = Node.sum([left, .negative(right)])
    let values = (0...2).map { difference.replacing(variable, by: .number(Decimal(UInt64($0)))) }
    let slope = Node.sum([values[1], .negative(values[0])])
    let bend = Node.sum([values[2], .product([.negative(.number(Decimal(2))), values[1]]), values[0]])
    guard compareScalars(bend, .number(Decimal(0))) == .equal, isLinear(difference, values, slope, variable),
      let (size, _) = approximateValue(of: slope, units: .converted),
      size != 0, abs(size) > 1e-30
    else { return nil }
    let bound = Node.quotient(.negative(values[0]), slope)
    return Self.half(size > 0 ? relation : relation.flipped, bound)
  }

  /// Whether a line through the values at 0 and 1 goes through those at other places, near and far.
  private mutating func isLinear(_ node: Node, _ values: [Node], _ slope: Node, _ variable: Symbol) -> Bool {
    [Decimal(digits: [3, 7], fraction: 1, exponent: 0), Decimal(40), Decimal(100_003)].allSatisfy { number in
      [Node.number(number), .negative(.number(number))].allSatisfy { place in
        compareScalars(node.replacing(variable, by: place), .sum([values[0], .product([slope, place])])) == .equal
      }
    }
  }

  /// The numbers whose distance is bounded, as in `|x − 2| < 3`.
  private mutating func solution(
    ofAbsolute inside: Node, _ relation: Relation, _ bound: Node, _ variable: Symbol
  ) -> RealSet? {
    guard let upper = solution(inside, relation, bound, variable),
      let lower = solution(inside, relation.flipped, .negative(bound), variable)
    else { return nil }
    return relation == .less || relation == .lessOrEqual ? .intersection([upper, lower]) : .union([upper, lower])
  }

  private static func half(_ relation: Relation, _ bound: Node) -> RealSet? {
    if let sign = bound.infinitySign {
      // `x < ∞` is every number, `x < -∞` is none.
      guard relation.isOrder else { return nil }
      return relation.isLess == (sign > 0) ? .interval(nil, false, nil, false) : .union([])
    }
    switch relation {
    case .less: return .interval(nil, false, bound, false)
    case .lessOrEqual: return .interval(nil, false, bound, true)
    case .greater: return .interval(bound, false, nil, false)
    case .greaterOrEqual: return .interval(bound, true, nil, false)
    case .notEqual: return .complement(.interval(bound, true, bound, true))
    default: return nil
    }
  }
}

/// A set of real numbers, made of intervals.
indirect enum RealSet {
  /// Its ends, nil where it has none, and whether they belong to it.
  case interval(Node?, Bool, Node?, Bool)
  case union([RealSet])
  case intersection([RealSet])
  case complement(RealSet)

  /// All bounds, in the order in which ``cells(_:_:_:)`` meets them.
  func collectBounds(_ bounds: inout [Node]) {
    switch self {
    case .interval(let lower, _, let upper, _):
      if let lower { bounds.append(lower) }
      if let upper { bounds.append(upper) }
    case .union(let sets), .intersection(let sets): for set in sets { set.collectBounds(&bounds) }
    case .complement(let set): set.collectBounds(&bounds)
    }
  }

  /// Which cells are inside.
  func cells(_ ranks: [Int], _ position: inout Int, _ count: Int) -> [Bool] {
    switch self {
    case .interval(let lower, let holdsLower, let upper, let holdsUpper):
      var (first, last) = (0, count - 1)
      if lower != nil {
        first = 2 * ranks[position] + (holdsLower ? 1 : 2)
        position += 1
      }
      if upper != nil {
        last = 2 * ranks[position] + (holdsUpper ? 1 : 0)
        position += 1
      }
      return (0..<count).map { first <= $0 && $0 <= last }
    case .union(let sets):
      var result = [Bool](repeating: false, count: count)
      for set in sets { result = zip(result, set.cells(ranks, &position, count)).map { $0 || $1 } }
      return result
    case .intersection(let sets):
      var result = [Bool](repeating: true, count: count)
      for set in sets { result = zip(result, set.cells(ranks, &position, count)).map { $0 && $1 } }
      return result
    case .complement(let set): return set.cells(ranks, &position, count).map { !$0 }
    }
  }
}

extension Node {
  /// Whether it can only be a set of real numbers: half open or infinite intervals, unions, inequalities.
  var isRealSet: Bool {
    switch self {
    case .tuple(let brackets, let ends):
      ends.count == 2 && (brackets.holdsLower != brackets.holdsUpper || ends.contains { $0.infinitySign != nil })
    case .union, .intersection, .difference, .numberSet(.reals), .numberSet(.empty): true
    case .relation: isOrderRelation
    case .list(let parts, _): parts.contains { $0.isRealSet }
    default: false
    }
  }

  /// The same with the value of a function of which only the name is known in the place of a variable: `0 < f(x) < 1`.
  fileprivate var asVariable: Node {
    if case .opaque = self, !isUndecided { .symbol(appliedSymbol) } else { self }
  }

  /// Whether it is an inequality.
  var isOrderRelation: Bool {
    guard case .relation(_, let links) = self else { return false }
    return links.allSatisfy { $0.relation.isOrder || $0.relation == .notEqual }
  }
}

// SPDX-License-Identifier: Apache-2.0

extension Comparer {
  /// How many parts a set may have.
  static let largestSet = 4096
  /// Up to how many parts each is compared with each; more are sorted first.
  private static let fewParts = 8

  /// Whether two collections hold the same, in any order.
  ///
  /// What is there twice counts once in sets, and where the numbers of parts differ.
  mutating func compareUnordered(_ first: [Node], _ second: [Node], areSets: Bool = false) -> MathVerdict {
    if first.count == 1, second.count == 1 {
      return first[0].isScalar && second[0].isScalar
        ? compareScalars(first[0].value, second[0].value) : compareSingle(first[0].value, second[0].value)
    }
    if first.isEmpty || second.isEmpty { return first.isEmpty && second.isEmpty ? .equal : .different }
    guard max(first.count, second.count) <= Self.largestSet else { return .tooLarge }
    if max(first.count, second.count) <= Self.fewParts { return compareFew(first, second, areSets: areSets) }
    return compareMany(first, second)
  }

  /// Two parts that are no longer collections themselves.
  private mutating func compareSingle(_ first: Node, _ second: Node) -> MathVerdict {
    switch (first, second) {
    case (.text(let a), .text(let b)): return a == b ? .equal : .different
    case (.list, .tuple), (.tuple, .list): return compare(first, second)
    case (.list(let a, _), .list(let b, _)) where a.allSatisfy(\.isRelation) && b.allSatisfy(\.isRelation):
      return compareUnordered(a, b)
    case (.set, _), (_, .set), (.list, _), (_, .list):
      // A set of one set: never met in an answer, and no end of unwrapping.
      if case .set(let a) = first, case .set(let b) = second, a.count < 64, b.count < 64 {
        return compareUnordered(a, b, areSets: true)
      }
      return .different
    case (.text, _), (_, .text): return .different
    default: return compare(first, second)
    }
  }

  private mutating func compareFew(_ first: [Node], _ second: [Node], areSets: Bool) -> MathVerdict {
    // One part against several is another answer, even where the several are the same.
    if (first.count == 1) != (second.count == 1) {
      return .different
    }
    let verdicts = first.map { part in second.map { compareElements(part, $0) } }
    let columns = second.indices.map { column in verdicts.map { $0[column] } }
    // A part that is like none of the others decides, whatever else is unsure.
    let unmatched = (verdicts + columns).filter { !$0.contains(.equal) }
    if unmatched.contains(where: { $0.allSatisfy { $0 == .different } }) { return .different }
    guard unmatched.isEmpty else { return .unknown("parts of the answers cannot be told apart") }
    if areSets || first.count != second.count { return .equal }
    // Each part as often as on the other side: the rows of equal parts are equal.
    let rows = verdicts.map { $0.map { $0 == .equal } }
    let areAsOften = rows.allSatisfy { row in rows.count { $0 == row } == row.count { $0 } }
    return areAsOften ? .equal : .different
  }

  /// Two parts of collections: an assignment counts as its value where the other is none.
  private mutating func compareElements(_ first: Node, _ second: Node) -> MathVerdict {
    if first.isScalar, second.isScalar { return compareScalars(first, second) }
    return compareSingle(first, second)
  }

  private mutating func compareMany(_ first: [Node], _ second: [Node]) -> MathVerdict {
    guard let left = sortedParts(first), let right = sortedParts(second) else { return .tooMuchWork }
    guard left.count == right.count else { return .different }
    var verdict = MathVerdict.equal
    for (part, other) in zip(left, right) {
      verdict = verdict.and(compareElements(part, other))
      if verdict == .different { return .different }
    }
    return verdict
  }

  /// The parts by the size of their values, each once; nil where one has no value.
  private mutating func sortedParts(_ parts: [Node]) -> [Node]? {
    var keyed: [(key: Double, node: Node)] = []
    for part in parts {
      guard let key = sortKey(of: part) else { return nil }
      keyed.append((key, part))
    }
    keyed.sort { $0.key < $1.key }
    var result: [Node] = []
    for (_, node) in keyed {
      if let last = result.last, compareElements(last, node) == .equal { continue }
      result.append(node)
    }
    return result
  }

  /// A number that is the same for parts that say the same.
  private mutating func sortKey(of node: Node) -> Double? {
    switch node.value {
    case .tuple(_, let parts), .list(let parts, _):
      var (key, weight) = (0.0, 1.0)
      for part in parts {
        guard let next = sortKey(of: part) else { return nil }
        key += weight * next
        weight *= 1.324_717_957_244_746
      }
      return key
    case .text(let text): return Double(Symbol.hash(text) >> 12)
    case let value:
      guard let (re, im) = approximateValue(of: value) else { return nil }
      // Parts with the same real part are kept apart by the imaginary one.
      let key = re + 0.618_033_988_749_895 * im
      return key.isNaN ? nil : key
    }
  }
}

extension Node {
  /// What it is said to be, of a name with a value; else the node itself.
  var value: Node { claim?.value ?? self }
}

// SPDX-License-Identifier: Apache-2.0

extension Node {
  /// Whether a node directly below is as described.
  func anyChild(_ isWanted: (Node) -> Bool) -> Bool {
    switch self {
    case .number, .symbol, .infinity, .unit, .numberSet, .text: false
    case .sum(let nodes), .product(let nodes), .ratio(let nodes), .set(let nodes), .union(let nodes),
      .intersection(let nodes), .call(_, let nodes), .opaque(_, let nodes), .tuple(_, let nodes), .list(let nodes, _):
      nodes.contains(where: isWanted)
    case .quotient(let left, let right), .power(let left, let right), .difference(let left, let right):
      isWanted(left) || isWanted(right)
    case .negative(let node), .plusMinus(let node, _): isWanted(node)
    case .matrix(let rows): rows.contains { $0.contains(where: isWanted) }
    case .relation(let left, let links): isWanted(left) || links.contains { isWanted($0.node) }
    }
  }

  /// Whether a node below, or this one, is as described.
  func contains(where isWanted: (Node) -> Bool) -> Bool {
    isWanted(self) || anyChild { $0.contains(where: isWanted) }
  }

  /// The same with each node below replaced.
  func mappingChildren(_ change: (Node) -> Node) -> Node {
    switch self {
    case .number, .symbol, .infinity, .unit, .numberSet, .text: self
    case .sum(let nodes): .sum(nodes.map(change))
    case .product(let nodes): .product(nodes.map(change))
    case .ratio(let nodes): .ratio(nodes.map(change))
    case .set(let nodes): .set(nodes.map(change))
    case .union(let nodes): .union(nodes.map(change))
    case .intersection(let nodes): .intersection(nodes.map(change))
    case .call(let function, let nodes): .call(function, nodes.map(change))
    case .opaque(let symbol, let nodes): .opaque(symbol, nodes.map(change))
    case .tuple(let brackets, let nodes): .tuple(brackets, nodes.map(change))
    case .list(let nodes, let connective): .list(nodes.map(change), connective)
    case .quotient(let left, let right): .quotient(change(left), change(right))
    case .power(let left, let right): .power(change(left), change(right))
    case .difference(let left, let right): .difference(change(left), change(right))
    case .negative(let node): .negative(change(node))
    case .plusMinus(let node, let isFlipped): .plusMinus(change(node), isFlipped: isFlipped)
    case .matrix(let rows): .matrix(rows.map { $0.map(change) })
    case .relation(let left, let links):
      .relation(change(left), links.map { Link(relation: $0.relation, node: change($0.node)) })
    }
  }

  /// Whether it holds `±`.
  var hasPlusMinus: Bool { contains { if case .plusMinus = $0 { true } else { false } } }

  /// The same with `±` read as plus or as minus.
  func resolvingPlusMinus(upper: Bool) -> Node {
    if case .plusMinus(let node, let isFlipped) = self {
      let inner = node.resolvingPlusMinus(upper: upper)
      return upper != isFlipped ? inner : .negative(inner)
    }
    return mappingChildren { $0.resolvingPlusMinus(upper: upper) }
  }

  /// The same with a variable replaced.
  func replacing(_ symbol: Symbol, by node: Node) -> Node {
    if case .symbol(symbol) = self { return node }
    return mappingChildren { $0.replacing(symbol, by: node) }
  }

  /// Whether it is a number, or an expression that stands for one.
  var isScalar: Bool {
    switch self {
    case .number, .symbol, .infinity, .unit: true
    case .sum, .product, .quotient, .power, .negative, .plusMinus, .call, .opaque:
      !contains {
        switch $0 {
        case .tuple, .set, .matrix, .text, .numberSet, .union, .list: true
        default: false
        }
      } || isFunctionValue
    case .ratio(let parts): parts.count == 2
    default: false
    }
  }

  /// Unknown functions and determinants are numbers whatever they are applied to.
  private var isFunctionValue: Bool {
    switch self {
    case .opaque, .call(.determinant, _): true
    default: false
    }
  }

  /// The variables in it, without `π`, `e` and `i`.
  var variables: Set<Symbol> {
    var found: Set<Symbol> = []
    collectVariables(&found)
    return found
  }

  private func collectVariables(_ found: inout Set<Symbol>) {
    if case .symbol(let symbol) = self {
      if symbol != .pi && symbol != .e && symbol != .i { found.insert(symbol) }
    } else {
      _ = anyChild {
        $0.collectVariables(&found)
        return false
      }
    }
  }

  /// Which units are in it.
  var units: UnitFacts {
    var facts = UnitFacts()
    collectUnits(&facts)
    return facts
  }

  private func collectUnits(_ facts: inout UnitFacts) {
    if case .unit(let unit) = self {
      switch unit.kind {
      case .word: facts.words += 1
      case .nothing: facts.hasEmpty = true
      case .degree, .percent, .measure: facts.hasKnown = true
      }
    } else {
      _ = anyChild {
        $0.collectUnits(&facts)
        return false
      }
    }
  }

  /// What kinds of unit an expression has.
  struct UnitFacts {
    var hasKnown = false
    var hasEmpty = false
    var words = 0
    /// Whether there is anything to compare.
    var isEmpty: Bool { !hasKnown && words == 0 }
  }

  /// The number that it is, with or without a sign or a unit; nil where it is anything else.
  var writtenNumber: Decimal? {
    switch self {
    case .number(let number): return number
    case .negative(let node): return node.writtenNumber
    case .product(let factors):
      guard let first = factors.first,
        factors.dropFirst().allSatisfy({ if case .unit = $0 { true } else { false } })
      else { return nil }
      return first.writtenNumber
    default: return nil
    }
  }

  /// How many decimals it is written with, where it is one number with or without a sign or a unit; else 0.
  var writtenPlaces: Int { writtenNumber?.places ?? 0 }

  /// A variable in the place of a function's value at an argument, the same for arguments that are written alike.
  var appliedSymbol: Symbol {
    var hash: UInt64 = 0x51
    mixStructure(into: &hash)
    return Symbol(hash: hash)
  }

  private func mixStructure(into hash: inout UInt64) {
    switch self {
    case .number(let number):
      hash = Symbol.mixed(hash, number.significand ^ UInt64(bitPattern: Int64(number.exponent)) << 32)
    case .symbol(let symbol): hash = Symbol.mixed(hash, symbol.hash)
    case .opaque(let symbol, _): hash = Symbol.mixed(hash, symbol.hash &+ 1)
    case .negative: hash = Symbol.mixed(hash, 3)
    default: hash = Symbol.mixed(hash, 2)
    }
    _ = anyChild {
      $0.mixStructure(into: &hash)
      return false
    }
  }

  /// What it speaks of: the variables, and the functions of which only the name is known.
  var subjects: Set<Symbol> {
    var found: Set<Symbol> = []
    collectSubjects(&found)
    return found
  }

  private func collectSubjects(_ found: inout Set<Symbol>) {
    switch self {
    case .symbol(let symbol):
      if symbol != .pi && symbol != .e && symbol != .i && symbol != .unnamed { found.insert(symbol) }
    case .opaque: found.insert(appliedSymbol)
    default:
      _ = anyChild {
        $0.collectSubjects(&found)
        return false
      }
    }
  }

  /// Whether two of its kind that differ here may still be the same: sums, integrals, limits of which only the parts
  /// are known.
  var isUndecided: Bool {
    contains {
      switch $0 {
      case .call(.sum, let nodes), .call(.product, let nodes):
        if case .infinity = nodes[2] { true } else { false }
      case .opaque(let symbol, _): Self.undecided.contains(symbol)
      default: false
      }
    }
  }

  private static let undecided: Set<Symbol> = [
    Symbol("sum"), Symbol("product"), Symbol("integral"), Symbol("limit"), Symbol("set"),
  ]

  /// Whether it counts with variables: factorials and binomial coefficients of them.
  var countsWithVariables: Bool {
    contains {
      switch $0 {
      case .call(.factorial, let nodes), .call(.doubleFactorial, let nodes), .call(.binomial, let nodes):
        nodes.contains { !$0.variables.isEmpty }
      // A sum up to `n` has a value for each whole `n`.
      case .call(.sum, let nodes), .call(.product, let nodes):
        nodes.count > 2 && !nodes[1].variables.union(nodes[2].variables).isEmpty
      default: false
      }
    }
  }

  /// Whether it has a logarithm without a base.
  var hasPlainLogarithm: Bool {
    contains { if case .call(.logarithm, let nodes) = $0 { nodes.count == 1 } else { false } }
  }

  /// The same as entries of a matrix, where it is a matrix or made of some by sums and numbers.
  var matrixEntries: [[Node]]? {
    guard contains(where: { if case .matrix = $0 { true } else { false } }) else { return nil }
    switch self {
    case .matrix(let rows): return rows
    case .negative(let node): return node.matrixEntries.map { $0.map { $0.map { .negative($0) } } }
    case .quotient(let node, let divisor):
      return node.matrixEntries.map { $0.map { $0.map { .quotient($0, divisor) } } }
    case .sum(let terms):
      guard var result = terms.first?.matrixEntries else { return nil }
      for term in terms.dropFirst() {
        guard let rows = term.matrixEntries, rows.map(\.count) == result.map(\.count) else { return nil }
        for (row, line) in rows.enumerated() {
          for (column, node) in line.enumerated() { result[row][column] = .sum([result[row][column], node]) }
        }
      }
      return result
    case .product(let factors):
      let entries = factors.map(\.matrixEntries)
      let matrices = entries.compactMap { $0 }
      let scalars = zip(factors, entries).filter { $1 == nil }.map { $0.0 }
      guard var result = matrices.first, scalars.allSatisfy(\.isScalar) else { return nil }
      for other in matrices.dropFirst() {
        guard let product = Self.product(result, other) else { return nil }
        result = product
      }
      return scalars.isEmpty ? result : result.map { $0.map { .product(scalars + [$0]) } }
    default: return nil
    }
  }

  private static func product(_ left: [[Node]], _ right: [[Node]]) -> [[Node]]? {
    guard let width = right.first?.count, left.count <= 8, right.count <= 8, width <= 8,
      left.allSatisfy({ $0.count == right.count }), right.allSatisfy({ $0.count == width })
    else { return nil }
    return left.map { row in
      (0..<width).map { column in .sum(row.indices.map { .product([row[$0], right[$0][column]]) }) }
    }
  }
}

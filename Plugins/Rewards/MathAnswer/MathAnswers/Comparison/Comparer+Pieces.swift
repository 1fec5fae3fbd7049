// SPDX-License-Identifier: Apache-2.0

/// Functions that are made of pieces, `|x − 5|`, `\max(x, 10)`, `\lfloor n/4 \rfloor`: they may agree on a whole stretch
/// and differ beyond it.
extension Comparer {
  /// How many further points functions of pieces are compared at.
  static let widePointCount = 24
  /// How many places where pieces meet are looked at.
  private static let mostKinks = 12

  /// Whether two expressions that agree near zero differ elsewhere: at large values, at whole ones, on either side of
  /// each place where pieces meet.
  mutating func differsInPieces(
    _ left: Node, _ right: Node, _ start: EvaluationPoint
  ) throws(EvaluationFault) -> Bool {
    let pieces = max(left.pieces, right.pieces)
    guard pieces != .none else { return false }
    var point = start
    let variables = left.variables.union(right.variables)
    point.domain = rules.variables == .positive ? .wideAndPositive : .wide
    if countsByCustom(left, right) { point.domain = .wideAndWhole }
    for index in 0..<(pieces == .roots ? Self.widePointCount / 3 : Self.widePointCount) {
      point.index = index
      if try differs(left, right, point) { return true }
    }
    for variable in variables.sorted(by: { $0.hash < $1.hash }).prefix(3) {
      let kinks = try self.kinks(of: [left, right], in: variable, point)
      for value in Self.samples(around: kinks, isWhole: point.domain == .wideAndWhole) {
        if value < 0, rules.variables == .positive { continue }
        point.fixed = (variable, value)
        if try differs(left, right, point) { return true }
      }
      point.fixed = nil
    }
    return false
  }

  /// Whether expressions have steps and variables that stand for whole numbers where nothing else is said: `⌊n/2⌋`.
  func countsByCustom(_ left: Node, _ right: Node) -> Bool {
    max(left.pieces, right.pieces) == .steps
      && (left.hasDivisors || right.hasDivisors || left.variables.union(right.variables).allSatisfy(\.isWholeByCustom))
  }

  private mutating func differs(
    _ left: Node, _ right: Node, _ point: EvaluationPoint
  ) throws(EvaluationFault) -> Bool {
    var evaluator = ComplexEvaluator(point)
    do throws(EvaluationFault) {
      let a = try value(of: left, &evaluator)
      let b = try value(of: right, &evaluator)
      guard let a, let b else { return (a == nil) != (b == nil) }
      return a.compare(with: b) == .different
    } catch {
      // A power of a large value may lie beyond the bounds, where this point says nothing.
      if budget.isSpent { throw error }
      return false
    }
  }

  /// Where pieces meet, as far as that is the zero of an expression of the first or the second degree.
  private mutating func kinks(
    of nodes: [Node], in variable: Symbol, _ start: EvaluationPoint
  ) throws(EvaluationFault) -> [Double] {
    var zeros: [Node] = []
    for node in nodes { node.collectZeros(&zeros) }
    var kinks: Set<Double> = []
    for zero in zeros.prefix(Self.mostKinks) where zero.variables.contains(variable) {
      var values: [Double] = []
      for place in [-1.0, 0, 1] {
        var point = start
        point.fixed = (variable, place)
        var evaluator = ComplexEvaluator(point)
        guard let value = try? evaluator.value(of: zero, &budget), value.isReal else { break }
        values.append(value.re.double)
      }
      if budget.isSpent { throw .tooLarge }
      guard values.count == 3 else { continue }
      let (a, b, c) = ((values[0] + values[2]) / 2 - values[1], (values[2] - values[0]) / 2, values[1])
      if abs(a) < 1e-9 * max(abs(b), abs(c)) {
        kinks.insert(-c / b)
      } else {
        let root = max(0, b * b - 4 * a * c).squareRoot()
        kinks.insert((-b - root) / (2 * a))
        kinks.insert((-b + root) / (2 * a))
      }
    }
    return kinks.filter { $0.isFinite && abs($0) < 1e12 }.sorted()
  }

  /// Each kink, both of its sides, and the middles between them.
  private static func samples(around kinks: [Double], isWhole: Bool) -> [Double] {
    var samples: [Double] = []
    for (index, kink) in kinks.enumerated() {
      samples += [kink - 1, kink - 0.0625, kink, kink + 0.0625, kink + 1]
      if index > 0 { samples.append((kink + kinks[index - 1]) / 2) }
    }
    return isWhole ? samples.map { $0.rounded() } : samples
  }
}

/// What kind of pieces an expression has, by how many points it needs.
enum Pieces: Comparable {
  /// It is one formula.
  case none
  /// Roots of more than a variable, as `\sqrt{x^2}`.
  case roots
  /// Absolute values, the largest and the smallest of several.
  case corners
  /// Functions that jump or count: `⌊x⌋`, the greatest common divisor, remainders.
  case steps
}

extension Node {
  /// The kind of pieces that it has.
  var pieces: Pieces {
    var result = Pieces.none
    _ = contains {
      result = max(result, $0.ownPieces)
      return result == .steps
    }
    return result
  }

  private var ownPieces: Pieces {
    switch self {
    case .call(let function, let nodes):
      switch function {
      case .absolute, .maximum, .minimum, .sign: nodes.contains { !$0.variables.isEmpty } ? .corners : .none
      case .floor, .ceiling, .greatestDivisor, .leastMultiple, .modulo:
        nodes.contains { !$0.variables.isEmpty } ? .steps : .none
      case .root: nodes[0].isVariable || nodes[0].variables.isEmpty ? .none : .roots
      default: .none
      }
    case .power(let base, .quotient): base.isVariable || base.variables.isEmpty ? .none : .roots
    default: .none
    }
  }

  /// Whether it has a function that only whole numbers have.
  fileprivate var hasDivisors: Bool {
    contains {
      switch $0 {
      case .call(.greatestDivisor, _), .call(.leastMultiple, _): true
      default: false
      }
    }
  }

  private var isVariable: Bool { if case .symbol = self { true } else { false } }

  /// The expressions at whose zeros pieces meet.
  fileprivate func collectZeros(_ zeros: inout [Node]) {
    switch self {
    case .call(.absolute, let nodes), .call(.sign, let nodes): zeros.append(nodes[0])
    case .call(.root, let nodes): if ownPieces == .roots { zeros.append(nodes[0]) }
    case .power(let base, _): if ownPieces == .roots { zeros.append(base) }
    case .call(.maximum, let nodes), .call(.minimum, let nodes):
      for (index, node) in nodes.prefix(4).enumerated() {
        for other in nodes.prefix(index) { zeros.append(.sum([node, .negative(other)])) }
      }
    default: break
    }
    _ = anyChild {
      $0.collectZeros(&zeros)
      return zeros.count > 64
    }
  }
}

extension Symbol {
  /// Whether it is a letter that stands for whole numbers where nothing else is said.
  fileprivate var isWholeByCustom: Bool {
    (UInt8(ascii: "i")...UInt8(ascii: "n")).contains(letter) || letter == UInt8(ascii: "N")
      || letter == UInt8(ascii: "M") || letter == UInt8(ascii: "K")
  }
}

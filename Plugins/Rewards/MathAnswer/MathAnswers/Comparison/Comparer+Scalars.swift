// SPDX-License-Identifier: Apache-2.0

extension Comparer {
  /// How many points an identity is tested at.
  static let pointCount = 4

  /// Whether two expressions have the same value, whatever their variables.
  mutating func compareScalars(_ left: Node, _ right: Node) -> MathVerdict {
    if case .number(let a) = left, case .number(let b) = right, a.isSameNumber(as: b) { return .equal }
    // `52_8` and `52`, where the question says which base.
    if let digits = left.digitsInBase, case .number(let other) = right {
      if digits.isSameNumber(as: other) { return .equal }
    }
    if let digits = right.digitsInBase, case .number(let other) = left {
      if digits.isSameNumber(as: other) { return .equal }
    }
    let (a, b) = (left.units, right.units)
    if a.isEmpty, b.isEmpty {
      let units = a.hasEmpty || b.hasEmpty ? EvaluationPoint.Units.dropped : .converted
      return compareValues(left, right, units)
    }
    if a.isEmpty || b.isEmpty {
      // `50%` and `0.5`, then `5 cm` and `5`.
      let verdict = rules.percent == .number ? MathVerdict.different : compareValues(left, right, .converted)
      if verdict == .equal || rules.percent == .hundredths && (left.isPercentage || right.isPercentage) {
        return verdict
      }
      return compareValues(left, right, .dropped)
    }
    let verdict = compareValues(left, right, .converted)
    guard verdict == .different, a.words + b.words > 0 else { return verdict }
    // `5 apples` and `5 red apples`.
    switch compareValues(left, right, .wordsDropped) {
    case .equal:
      return a.words == 0 || b.words == 0 ? .equal : .unknown("the answers are of the same size with different words")
    case let other: return other
    }
  }

  private mutating func compareValues(_ left: Node, _ right: Node, _ units: EvaluationPoint.Units) -> MathVerdict {
    do throws(EvaluationFault) {
      let evaluator = ResidueEvaluator(units: units)
      if let a = try evaluator.residue(of: left, &budget), let b = try evaluator.residue(of: right, &budget),
        !a.denominator.hasZero, !b.denominator.hasZero
      {
        if a == b { return .equal }
        return isRounded(left, right) ? try compareRounded(left, right, units) : .different
      }
      if let a = left.infinitySign {
        return right.infinitySign == a ? .equal : .different
      } else if right.infinitySign != nil {
        return .different
      }
      if isRounded(left, right), try compareRounded(left, right, units) == .equal { return .equal }
      var point = EvaluationPoint()
      point.units = units
      var verdict = try compareAtPoints(left, right, point)
      if verdict == .different, left.hasPlainLogarithm || right.hasPlainLogarithm {
        point.logarithmsAreCommon = true
        verdict = try compareAtPoints(left, right, point)
      }
      if verdict == .different, left.isUndecided || right.isUndecided {
        // A sum over powers of `x` is no number.
        if left.variables.isEmpty != right.variables.isEmpty { return .different }
        return .unknown("sums, integrals and limits are compared by their parts only")
      }
      return verdict
    } catch {
      return error.verdict
    }
  }

  /// Compares at a few points, or once where there are no variables.
  private mutating func compareAtPoints(
    _ left: Node, _ right: Node, _ start: EvaluationPoint
  ) throws(EvaluationFault) -> MathVerdict {
    var point = start
    let hasVariables = !left.variables.isEmpty || !right.variables.isEmpty
    let counts = left.countsWithVariables || right.countsWithVariables
    point.domain = counts ? .whole : rules.variables == .positive ? .positive : .real
    if hasVariables, !counts, countsByCustom(left, right) { point.domain = .wideAndWhole }
    var compared = 0
    for index in 0..<(hasVariables ? Self.pointCount * (counts ? 2 : 1) : 1) {
      point.index = index
      var evaluator = ComplexEvaluator(point)
      let a = try value(of: left, &evaluator)
      let b = try value(of: right, &evaluator)
      guard let a, let b else {
        if a == nil, b == nil { continue }
        return .different
      }
      switch a.compare(with: b) {
      case .equal: compared += 1
      case .different: return .different
      case .imprecise: return .unknown("the values are too close to tell apart")
      }
    }
    if compared == 0 { return .unknown("neither answer has a value") }
    if hasVariables, !counts, try differsInPieces(left, right, start) { return .different }
    return .equal
  }

  /// The value, or nil where there is none at this point.
  mutating func value(
    of node: Node, _ evaluator: inout ComplexEvaluator
  ) throws(EvaluationFault) -> ComplexValue? {
    do throws(EvaluationFault) {
      return try evaluator.value(of: node, &budget)
    } catch {
      if error == .undefined { return nil }
      throw error
    }
  }

  /// Whether one of the two is written as a decimal with so many places that it counts as rounded.
  private func isRounded(_ left: Node, _ right: Node) -> Bool {
    max(left.writtenPlaces, right.writtenPlaces) >= rules.decimalPlaces && left.variables.isEmpty
      && right.variables.isEmpty
  }

  /// Compares to within half a unit of the last place that counts, and so many significant digits.
  private mutating func compareRounded(
    _ left: Node, _ right: Node, _ units: EvaluationPoint.Units
  ) throws(EvaluationFault) -> MathVerdict {
    var point = EvaluationPoint()
    point.units = units
    var evaluator = ComplexEvaluator(point)
    guard let a = try value(of: left, &evaluator), let b = try value(of: right, &evaluator), a.isReal, b.isReal else {
      return .different
    }
    var tolerance = 0.5
    // Of two decimals the one with fewer places is the rounded one.
    let places =
      left.writtenNumber == nil || right.writtenNumber == nil ? 0 : min(left.writtenPlaces, right.writtenPlaces)
    for _ in 0..<min(300, max(rules.decimalPlaces, places)) { tolerance /= 10 }
    let distance = (a - b).re.magnitude.double
    let size = max(a.re.magnitude.double, b.re.magnitude.double)
    // A little more than half, for halves that were rounded.
    return distance <= tolerance * 1.000001 && distance <= 10 * tolerance * size ? .equal : .different
  }

  /// The value of a constant as a `Double`, for sorting.
  mutating func approximateValue(of node: Node, units: EvaluationPoint.Units = .dropped) -> (Double, Double)? {
    if let sign = node.infinitySign { return (sign > 0 ? .infinity : -.infinity, 0) }
    var point = EvaluationPoint()
    point.units = units
    point.domain = node.countsWithVariables ? .whole : .positive
    var evaluator = ComplexEvaluator(point)
    guard let value = try? evaluator.value(of: node, &budget) else { return nil }
    return (value.re.double, value.im.double)
  }
}

extension EvaluationFault {
  var verdict: MathVerdict {
    switch self {
    case .undefined: .unknown("neither answer has a value")
    case .tooLarge: .tooMuchWork
    case .noNumber: .unknown("an answer has no number for its value")
    }
  }
}

extension Node {
  /// 1 for infinity, −1 for minus infinity, nil for all else.
  var infinitySign: Int? {
    switch self {
    case .infinity: 1
    case .negative(let node): node.infinitySign.map { -$0 }
    case .sum(let nodes) where nodes.count == 1: nodes[0].infinitySign
    default: nil
    }
  }

  /// The digits of a whole number in a base that is written with it.
  fileprivate var digitsInBase: Decimal? {
    if case .call(.inBase, let parts) = self, case .number(let digits) = parts[0] { digits } else { nil }
  }

  /// Whether it is a number with a percent sign.
  var isPercentage: Bool {
    contains { if case .unit(let unit) = $0 { unit.kind == .percent } else { false } }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Evaluates rational expressions modulo two primes, variables at random residues.
///
/// By the lemma of Schwartz and Zippel different ones agree with a probability of about their degree in `2^122`.
struct ResidueEvaluator {
  let units: EvaluationPoint.Units
  /// Which residues the variables have.
  var index: UInt64 = 0

  /// The residue; nil for what is no rational expression with whole exponents.
  ///
  /// - Throws: When the budget is spent.
  func residue(of node: Node, isOutermost: Bool = true, _ budget: inout Budget) throws(EvaluationFault) -> Residue? {
    try budget.spend()
    switch node {
    case .number(let number):
      if !number.longDigits.isEmpty { try budget.spend(number.longDigits.count / 8) }
      return number.residue
    // Both behave as variables that no rational expression binds.
    case .symbol(let symbol): return symbol == .i ? nil : EvaluationPoint.residue(of: symbol, index)
    case .negative(let inner): return try residue(of: inner, isOutermost: isOutermost, &budget).map { -$0 }
    case .sum(let terms):
      var result = Residue.zero
      for term in terms {
        guard let value = try residue(of: term, isOutermost: isOutermost, &budget) else { return nil }
        result = result + value
      }
      return result
    case .product(let factors):
      var result = Residue.one
      for factor in factors {
        guard let value = try residue(of: factor, isOutermost: isOutermost, &budget) else { return nil }
        result = result * value
      }
      return result
    case .quotient(let above, let below):
      guard let left = try residue(of: above, isOutermost: isOutermost, &budget),
        let right = try residue(of: below, isOutermost: isOutermost, &budget)?.reciprocal
      else { return nil }
      return left * right
    case .ratio(let parts):
      guard parts.count == 2 else { return nil }
      return try residue(of: .quotient(parts[0], parts[1]), isOutermost: isOutermost, &budget)
    case .power(let base, let exponent):
      guard let count = WholeNumbers.value(of: exponent),
        let value = try residue(of: base, isOutermost: isOutermost, &budget)
      else { return nil }
      try budget.spend(12)
      return value.power(count)
    case .unit(let unit): return residue(of: unit, isOutermost: isOutermost)
    case .call(.factorial, let arguments):
      guard let count = WholeNumbers.value(of: arguments[0]), (0...20_000).contains(count) else { return nil }
      try budget.spend(count / 8)
      var result = Remainder.one
      for factor in stride(from: 2, through: count, by: 1) { result = result * Remainder(UInt64(factor)) }
      return Residue(numerator: result, denominator: .one)
    case .call(.binomial, let arguments):
      guard let n = WholeNumbers.value(of: arguments[0]), let k = WholeNumbers.value(of: arguments[1]),
        n >= 0, (0...n).contains(k), min(k, n - k) <= 20_000
      else { return nil }
      let count = min(k, n - k)
      try budget.spend(count / 4)
      var (above, below) = (Remainder.one, Remainder.one)
      for factor in stride(from: 1, through: count, by: 1) {
        above = above * Remainder(UInt64(n - count + factor))
        below = below * Remainder(UInt64(factor))
      }
      return Residue(numerator: above, denominator: below)
    case .call(.inBase, let arguments):
      guard let value = WholeNumbers.value(of: .call(.inBase, arguments)) else { return nil }
      return Residue(numerator: Remainder(UInt64(value)), denominator: .one)
    default: return nil
    }
  }

  private func residue(of unit: Unit, isOutermost: Bool) -> Residue? {
    switch units {
    case .dropped where isOutermost: return .one
    case .wordsDropped where unit.kind == .word: return .one
    default: break
    }
    if unit.kind == .degree {
      return EvaluationPoint.residue(of: .pi, index) * Residue(numerator: .one, denominator: Remainder(180))
    }
    let factor = Residue(numerator: Remainder(unit.numerator), denominator: Remainder(unit.denominator))
    guard let base = unit.base else { return factor }
    return EvaluationPoint.residue(of: base, index).power(unit.power).map { $0 * factor }
  }
}

/// Whole numbers of at most 62 bits, exactly.
enum WholeNumbers {
  /// The value of an expression of whole numbers; nil for any other, and for one that leaves 62 bits on the way.
  static func value(of node: Node) -> Int? {
    switch node {
    case .number(let number): return number.wholeNumber
    case .negative(let inner): return value(of: inner).map { -$0 }
    case .sum(let terms):
      return combine(terms, 0) { $0.addingReportingOverflow($1) }
    case .product(let factors):
      return combine(factors, 1) { $0.multipliedReportingOverflow(by: $1) }
    case .quotient(let above, let below):
      guard let left = value(of: above), let right = value(of: below), right != 0, left % right == 0 else { return nil }
      return left / right
    case .power(let base, let exponent):
      guard let factor = value(of: base), let count = value(of: exponent), (0...62).contains(count) else { return nil }
      var result = 1
      for _ in 0..<count {
        let (product, overflow) = result.multipliedReportingOverflow(by: factor)
        if overflow || product == .min { return nil }
        result = product
      }
      return result
    case .call(.inBase, let arguments):
      guard case .number(let number) = arguments[0], let written = number.wholeNumber,
        let base = value(of: arguments[1]), (2...36).contains(base)
      else { return nil }
      var (result, place, rest) = (0, 1, written)
      while rest > 0 {
        guard rest % 10 < base else { return nil }
        let (term, overflow) = place.multipliedReportingOverflow(by: rest % 10)
        let (sum, sumOverflow) = result.addingReportingOverflow(term)
        let (nextPlace, placeOverflow) = place.multipliedReportingOverflow(by: base)
        if overflow || sumOverflow || (placeOverflow && rest >= 10) { return nil }
        (result, place, rest) = (sum, nextPlace, rest / 10)
      }
      return result
    default: return nil
    }
  }

  private static func combine(
    _ parts: [Node], _ start: Int, _ operation: (Int, Int) -> (partialValue: Int, overflow: Bool)
  ) -> Int? {
    var result = start
    for part in parts {
      guard let next = value(of: part) else { return nil }
      let (value, overflow) = operation(result, next)
      // Room to negate and to divide.
      if overflow || value == .min { return nil }
      result = value
    }
    return result
  }
}

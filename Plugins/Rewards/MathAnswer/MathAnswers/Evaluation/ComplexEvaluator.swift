// SPDX-License-Identifier: Apache-2.0

/// Evaluates expressions at a point, in complex arithmetic of 256 bits with error bounds.
struct ComplexEvaluator {
  let point: EvaluationPoint
  /// The indices of sums that are being evaluated, with their values.
  private var bound: [(symbol: Symbol, value: ComplexValue)] = []

  init(_ point: EvaluationPoint) { self.point = point }

  /// The value.
  ///
  /// - Throws: When there is none, or it is beyond the bounds.
  mutating func value(
    of node: Node, isOutermost: Bool = true, _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    try budget.spend(4)
    switch node {
    case .number(let number):
      if number.exponent != 0 { try budget.spend(40) }
      return ComplexValue(number.wide)
    case .symbol(let symbol): return value(of: symbol)
    case .negative(let inner): return -(try value(of: inner, isOutermost: isOutermost, &budget))
    case .sum(let terms):
      guard let first = terms.first else { throw .noNumber }
      var result = try value(of: first, isOutermost: isOutermost, &budget)
      for term in terms.dropFirst() { result = result + (try value(of: term, isOutermost: isOutermost, &budget)) }
      return result
    case .product(let factors):
      guard let first = factors.first else { throw .noNumber }
      var result = try value(of: first, isOutermost: isOutermost, &budget)
      for factor in factors.dropFirst() { result = result * (try value(of: factor, isOutermost: isOutermost, &budget)) }
      return result
    case .quotient(let above, let below):
      let left = try value(of: above, isOutermost: isOutermost, &budget)
      try budget.spend(20)
      return left * (try value(of: below, isOutermost: isOutermost, &budget).reciprocal())
    case .ratio(let parts) where parts.count == 2:
      return try value(of: .quotient(parts[0], parts[1]), isOutermost: isOutermost, &budget)
    case .power(let base, let exponent): return try power(base, exponent, isOutermost, &budget)
    case .unit(let unit): return try value(of: unit, isOutermost: isOutermost)
    case .call(let function, let arguments): return try call(function, arguments, &budget)
    case .opaque(let symbol, let arguments): return try opaque(symbol, arguments, &budget)
    default: throw .noNumber
    }
  }

  private func value(of symbol: Symbol) -> ComplexValue {
    if symbol == .pi { return .pi }
    if symbol == .e { return ComplexValue(WideFloat.e) }
    if let index = bound.last(where: { $0.symbol == symbol }) { return index.value }
    if symbol == .i { return .imaginaryUnit }
    return point.value(of: symbol)
  }

  private func value(of unit: Unit, isOutermost: Bool) throws(EvaluationFault) -> ComplexValue {
    switch point.units {
    case .dropped where isOutermost: return .one
    case .wordsDropped where unit.kind == .word: return .one
    default: break
    }
    if unit.kind == .degree { return .pi * (try ComplexValue(180).reciprocal()) }
    var factor = ComplexValue(Int(unit.numerator))
    if unit.denominator != 1 { factor = factor * (try ComplexValue(Int(unit.denominator)).reciprocal()) }
    guard let base = unit.base else { return factor }
    return try factor * point.value(of: base).power(unit.power)
  }

  private mutating func power(
    _ base: Node, _ exponent: Node, _ isOutermost: Bool, _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    let value = try value(of: base, isOutermost: isOutermost, &budget)
    if let count = WholeNumbers.value(of: exponent) {
      try budget.spend(80)
      return try value.power(count)
    }
    try budget.spend(300)
    // `x^{1/3}` is the root that `\sqrt[3]{x}` is.
    if case .quotient(let above, let below) = exponent, let count = WholeNumbers.value(of: above),
      let degree = WholeNumbers.value(of: below), (2...99).contains(degree), count.magnitude <= 1000
    {
      return try value.root(degree).power(count)
    }
    if case .negative(let inner) = exponent, case .quotient = inner {
      return try power(base, inner, isOutermost, &budget).reciprocal()
    }
    return try value.power(try self.value(of: exponent, isOutermost: false, &budget))
  }

  /// A value that depends on the name and on the values of the arguments alone, as if drawn.
  private mutating func opaque(
    _ symbol: Symbol, _ arguments: [Node], _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    var hash = symbol.hash
    if point.variesFunctions { hash = Symbol.mixed(hash, UInt64(point.index) &+ 0x77) }
    for argument in arguments {
      hash = Symbol.mixed(hash, try fingerprint(of: argument, &budget))
    }
    return ComplexValue(WideFloat(0.5 + Double(hash >> 12) * 0x1p-52))
  }

  private mutating func fingerprint(of node: Node, _ budget: inout Budget) throws(EvaluationFault) -> UInt64 {
    switch node {
    case .relation(let left, let links):
      var hash = try fingerprint(of: left, &budget)
      for link in links { hash = Symbol.mixed(hash, try fingerprint(of: link.node, &budget)) }
      return hash
    case .tuple(_, let parts), .list(let parts, _):
      var hash: UInt64 = 17
      for part in parts { hash = Symbol.mixed(hash, try fingerprint(of: part, &budget)) }
      return hash
    case .infinity: return 23
    case .text(let text): return Symbol.hash(text)
    default:
      let value = try value(of: node, isOutermost: false, &budget)
      return Symbol.mixed(Self.fingerprint(of: value.re, value.noise), Self.fingerprint(of: value.im, value.noise))
    }
  }

  /// The leading 96 bits, rounded; the rest is left to the noise.
  private static func fingerprint(of value: WideFloat, _ noise: Int) -> UInt64 {
    if ComplexValue.isNoise(value, max(noise, -120)) { return 0 }
    let (rounded, overflow) = (value.high >> 32).addingReportingOverflow(1)
    let bits = overflow ? 0 : rounded >> 1
    return Symbol.mixed(
      UInt64(truncatingIfNeeded: bits) ^ UInt64(truncatingIfNeeded: bits >> 64),
      UInt64(bitPattern: Int64(value.exponent)) ^ (value.isNegative ? 1 << 63 : 0))
  }

  /// Evaluates with an index bound to a value.
  mutating func value(
    of node: Node, where symbol: Symbol, is value: ComplexValue, _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    bound.append((symbol, value))
    defer { bound.removeLast() }
    return try self.value(of: node, isOutermost: false, &budget)
  }

  /// How many indices are bound.
  var boundCount: Int { bound.count }
}

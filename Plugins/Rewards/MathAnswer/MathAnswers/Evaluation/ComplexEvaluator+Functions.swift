// SPDX-License-Identifier: Apache-2.0

extension ComplexEvaluator {
  /// The value of a function.
  mutating func call(
    _ function: Function, _ nodes: [Node], _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    switch function {
    case .sum, .product: return try overIndex(function, nodes, &budget)
    case .inBase:
      guard let value = WholeNumbers.value(of: .call(.inBase, nodes)) else { throw .noNumber }
      return ComplexValue(value)
    case .determinant: return try determinant(nodes[0], &budget)
    default: break
    }
    var arguments: [ComplexValue] = []
    for node in nodes { arguments.append(try value(of: node, isOutermost: false, &budget)) }
    try budget.spend(250)
    return try Self.value(of: function, arguments, point, &budget)
  }

  private static func value(
    of function: Function, _ arguments: [ComplexValue], _ point: EvaluationPoint, _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    let x = arguments[0]
    switch function {
    case .sine: return try x.cosineAndSine().sine
    case .cosine: return try x.cosineAndSine().cosine
    case .tangent:
      let (cosine, sine) = try x.cosineAndSine()
      return try sine * cosine.reciprocal()
    case .cotangent:
      let (cosine, sine) = try x.cosineAndSine()
      return try cosine * sine.reciprocal()
    case .secant: return try x.cosineAndSine().cosine.reciprocal()
    case .cosecant: return try x.cosineAndSine().sine.reciprocal()
    case .arcsine: return try x.arcsine()
    case .arccosine: return try quarterTurn - x.arcsine()
    case .arctangent: return try x.arctangent()
    case .arccotangent: return try quarterTurn - x.arctangent()
    case .arcsecant: return try quarterTurn - x.reciprocal().arcsine()
    case .arccosecant: return try x.reciprocal().arcsine()
    case .hyperbolicSine: return try x.hyperbolicCosineAndSine().sine
    case .hyperbolicCosine: return try x.hyperbolicCosineAndSine().cosine
    case .hyperbolicTangent:
      let (cosine, sine) = try x.hyperbolicCosineAndSine()
      return try sine * cosine.reciprocal()
    case .exponential: return try x.exponential()
    case .naturalLogarithm: return try x.logarithm()
    case .logarithm:
      let value = try x.logarithm()
      if arguments.count > 1 { return try value * arguments[1].logarithm().reciprocal() }
      return point.logarithmsAreCommon ? try value * ComplexValue(10).logarithm().reciprocal() : value
    case .absolute: return x.absolute
    case .root:
      guard arguments.count > 1 else { return x.squareRoot() }
      if let degree = arguments[1].wholeNumber, (2...999).contains(degree) { return try x.root(degree) }
      return try x.power(try arguments[1].reciprocal())
    case .floor, .ceiling: return try rounded(x, up: function == .ceiling)
    case .factorial, .doubleFactorial:
      return try factorial(x, step: function == .factorial ? 1 : 2, &budget)
    case .binomial: return try binomial(x, arguments[1], &budget)
    case .greatestDivisor, .leastMultiple: return try divisor(arguments, isLeastMultiple: function == .leastMultiple)
    case .modulo: return try remainder(x, arguments[1])
    case .maximum, .minimum: return try extreme(arguments, isLargest: function == .maximum)
    case .realPart: return ComplexValue(re: x.re, im: .zero, error: x.error)
    case .imaginaryPart: return ComplexValue(re: x.im, im: .zero, error: x.error)
    case .conjugate: return ComplexValue(re: x.re, im: -x.im, error: x.error)
    case .argument:
      let value = try x.logarithm()
      return ComplexValue(re: value.im, im: .zero, error: value.error)
    case .sign:
      if x.isZero { return .zero }
      guard x.isReal else { throw .undefined }
      return ComplexValue(x.re.isNegative ? -1 : 1)
    case .sum, .product, .inBase, .determinant: throw .noNumber
    }
  }

  private static var quarterTurn: ComplexValue { ComplexValue(WideFloat.pi.scaled(by: -1)) }

  private static func rounded(_ x: ComplexValue, up: Bool) throws(EvaluationFault) -> ComplexValue {
    if let whole = x.wholeNumber { return ComplexValue(whole) }
    guard x.isReal else { throw .undefined }
    guard x.noise < -16, let floor = x.re.floor else { throw .noNumber }
    return ComplexValue(up ? floor + 1 : floor)
  }

  private static func factorial(
    _ x: ComplexValue, step: Int, _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    guard let count = x.wholeNumber else { throw .noNumber }
    guard count >= 0 else { throw .undefined }
    guard count <= 20_000 else { throw .tooLarge }
    try budget.spend(count)
    var result = ComplexValue.one
    for factor in stride(from: count, to: 1, by: -step) { result = result * ComplexValue(factor) }
    return result
  }

  private static func binomial(
    _ n: ComplexValue, _ k: ComplexValue, _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    guard let count = k.wholeNumber else { throw .noNumber }
    guard count >= 0 else { return .zero }
    guard count <= 2000 else { throw .tooLarge }
    try budget.spend(count * 20)
    var result = ComplexValue.one
    for factor in stride(from: 1, through: count, by: 1) {
      result = try result * (n - ComplexValue(factor - 1)) * ComplexValue(factor).reciprocal()
    }
    return result
  }

  private static func divisor(_ values: [ComplexValue], isLeastMultiple: Bool) throws(EvaluationFault) -> ComplexValue {
    guard let first = values[0].wholeNumber else { throw .undefined }
    var result = Int(first.magnitude)
    for value in values.dropFirst() {
      guard var other = value.wholeNumber?.magnitude else { throw .undefined }
      var divisor = UInt(result)
      let product = UInt(result).multipliedReportingOverflow(by: other)
      while other != 0 { (divisor, other) = (other, divisor % other) }
      if isLeastMultiple {
        if product.overflow || divisor == 0 { throw .tooLarge }
        guard let multiple = Int(exactly: product.partialValue / divisor) else { throw .tooLarge }
        result = multiple
      } else {
        result = Int(divisor)
      }
    }
    return ComplexValue(result)
  }

  /// The remainder `x − y⌊x/y⌋`.
  private static func remainder(_ x: ComplexValue, _ y: ComplexValue) throws(EvaluationFault) -> ComplexValue {
    if let dividend = x.wholeNumber, let divisor = y.wholeNumber {
      if divisor == 0 { throw .undefined }
      let rest = dividend % divisor
      return ComplexValue(rest != 0 && (rest < 0) != (divisor < 0) ? rest + divisor : rest)
    }
    return try x - y * rounded(x * y.reciprocal(), up: false)
  }

  private static func extreme(_ values: [ComplexValue], isLargest: Bool) throws(EvaluationFault) -> ComplexValue {
    var result = values[0]
    for value in values {
      guard value.isReal, result.isReal else { throw .undefined }
      let difference = value - result
      if !difference.isZero, difference.re.isNegative != isLargest { result = value }
    }
    return result
  }

  /// A sum or a product over an index: term by term where its ends are near, else by its parts.
  private mutating func overIndex(
    _ function: Function, _ nodes: [Node], _ budget: inout Budget
  ) throws(EvaluationFault) -> ComplexValue {
    guard case .symbol(let index) = nodes[0] else { throw .noNumber }
    if case .infinity = nodes[2] {
    } else {
      let first = try value(of: nodes[1], isOutermost: false, &budget)
      let last = try value(of: nodes[2], isOutermost: false, &budget)
      if let first = first.wholeNumber, let last = last.wholeNumber, last - first <= 2000 {
        var result: ComplexValue = function == .sum ? .zero : .one
        for number in stride(from: first, through: last, by: 1) {
          let term = try value(of: nodes[3], where: index, is: ComplexValue(number), &budget)
          result = function == .sum ? result + term : result * term
        }
        return result
      }
    }
    // The index at a value of its own, so that its name does not matter.
    let marker = ComplexValue(WideFloat(0.318_309_886 + Double(boundCount) * 0.1))
    let body = try value(of: nodes[3], where: index, is: marker, &budget)
    let ends = Array(nodes[1...2])
    var hash = Symbol(function == .sum ? "sum" : "product").hash
    for node in ends { hash = Symbol.mixed(hash, try fingerprintForSum(node, &budget)) }
    return try opaqueSum(hash, body)
  }

  private mutating func fingerprintForSum(_ node: Node, _ budget: inout Budget) throws(EvaluationFault) -> UInt64 {
    if case .infinity = node { return 23 }
    let value = try value(of: node, isOutermost: false, &budget)
    return UInt64(bitPattern: Int64((value.re.double * 0x1p40).rounded().clamped))
  }

  private func opaqueSum(_ hash: UInt64, _ body: ComplexValue) throws(EvaluationFault) -> ComplexValue {
    // Proportional to its body, as sums are.
    body * ComplexValue(WideFloat(0.5 + Double(hash >> 12) * 0x1p-52))
  }

  /// A determinant of at most four rows, by its first column.
  private mutating func determinant(_ node: Node, _ budget: inout Budget) throws(EvaluationFault) -> ComplexValue {
    guard case .matrix(let rows) = node, rows.count <= 4, rows.allSatisfy({ $0.count == rows.count }) else {
      throw .noNumber
    }
    var values: [[ComplexValue]] = []
    for row in rows {
      var line: [ComplexValue] = []
      for cell in row { line.append(try value(of: cell, isOutermost: false, &budget)) }
      values.append(line)
    }
    return Self.determinant(values)
  }

  private static func determinant(_ rows: [[ComplexValue]]) -> ComplexValue {
    if rows.count == 1 { return rows[0][0] }
    var result = ComplexValue.zero
    for (index, row) in rows.enumerated() {
      var minor = rows
      minor.remove(at: index)
      let part = row[0] * determinant(minor.map { Array($0.dropFirst()) })
      result = index % 2 == 0 ? result + part : result - part
    }
    return result
  }
}

extension Double {
  /// The value within what an `Int` holds; 0 for no number.
  fileprivate var clamped: Double { isNaN ? 0 : Swift.max(-0x1p62, Swift.min(0x1p62, self)) }
}

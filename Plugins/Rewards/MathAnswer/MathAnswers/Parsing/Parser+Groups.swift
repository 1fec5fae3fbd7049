// SPDX-License-Identifier: Apache-2.0

extension Parser {
  /// What a bracket holds; the opening one has been read.
  mutating func bracketed(_ bracket: UInt8) throws(ReadingFault) -> Node {
    let bars = openBars
    openBars = 0
    defer { openBars = bars }
    if case .close(let closing) = next {
      // `{}`, `()`
      index += 1
      return bracket == UInt8(ascii: "s") || closing == UInt8(ascii: "s") ? .numberSet(.empty) : .list([], .comma)
    }
    let inside = try list()
    var closing = bracket
    if case .bar = next, bracket == UInt8(ascii: "s") { return try setBuilder(inside) }
    if case .close(let byte) = next {
      closing = byte
      index += 1
    } else if next != nil {
      throw .notAnAnswer
    }
    switch bracket {
    case UInt8(ascii: "{"): return inside
    case UInt8(ascii: "s"):
      if case .list(let parts, _) = inside { return .set(parts) }
      if case .ratio(let parts) = inside, parts.count == 2, case .symbol = parts[0] { return parts[1] }
      // `\{x : x > 3\}`
      if case .relation(.ratio(let parts), let links) = inside, parts.count == 2, case .symbol = parts[0] {
        return .relation(parts[1], links)
      }
      return .set([inside])
    case UInt8(ascii: "f"): return .call(.floor, [inside])
    case UInt8(ascii: "c"): return .call(.ceiling, [inside])
    default:
      guard case .list(let parts, _) = inside else { return inside }
      let opens = bracket == UInt8(ascii: "<") ? UInt8(ascii: "(") : bracket
      let closes: UInt8 = closing == UInt8(ascii: "[") ? UInt8(ascii: "]") : UInt8(ascii: ")")
      return .tuple(Brackets(opens: opens, closes: closes), parts)
    }
  }

  /// `\{x \mid x > 3\}`: the condition is what it says.
  private mutating func setBuilder(_ inside: Node) throws(ReadingFault) -> Node {
    index += 1
    let condition = try list()
    if case .close = next { index += 1 }
    // A condition on something else is no such set.
    if case .symbol(let name) = inside, condition.variables.contains(name) { return condition }
    if case .relation(.symbol(let name), let links) = inside, links.count == 1, links[0].relation == .element,
      condition.variables.contains(name)
    {
      return condition
    }
    return .opaque(Symbol("set"), [inside, condition])
  }

  /// A function with its exponent, its base and its argument.
  mutating func call(_ function: Function) throws(ReadingFault) -> Node {
    var function = function
    if function == .sum || function == .product { return try sumOverIndex(function) }
    var power: Node?
    var base: Node?
    while let token = next {
      if case .power = token {
        index += 1
        power = try argument()
      } else if case .underscore = token {
        index += 1
        base = try argument()
      } else {
        break
      }
    }
    if let exponent = power, case .negative(.number(let one)) = exponent, one.wholeNumber == 1,
      let inverse = function.inverse
    {
      function = inverse
      power = nil
    }
    var arguments = try callArguments()
    if let base, function == .logarithm { arguments = [arguments[0], base] }
    let node = Node.call(function, arguments)
    return power.map { .power(node, $0) } ?? node
  }

  /// What a function is applied to: a bracket, or the factors that follow up to the next function or sign.
  private mutating func callArguments() throws(ReadingFault) -> [Node] {
    if case .open(let bracket) = next, bracket != UInt8(ascii: "s") {
      index += 1
      let inside = try bracketed(bracket)
      switch inside {
      case .tuple(_, let parts), .list(let parts, _): return parts.isEmpty ? [inside] : parts
      default: return [inside]
      }
    }
    var factors: [Node] = []
    while let token = next {
      switch token {
      case .number, .symbol, .fraction, .root, .infinity, .binomial, .unit: break
      case .open(UInt8(ascii: "{")): break
      case .bar: guard openBars == 0, factors.isEmpty else { return try argumentOf(factors) }
      case .function: guard factors.isEmpty else { return try argumentOf(factors) }
      case .minus:
        guard factors.isEmpty else { return try argumentOf(factors) }
        index += 1
        return [.negative(try argumentOf(try callArguments())[0])]
      default: return try argumentOf(factors)
      }
      factors.append(try factor())
    }
    return try argumentOf(factors)
  }

  private func argumentOf(_ factors: [Node]) throws(ReadingFault) -> [Node] {
    guard let first = factors.first else { throw .notAnAnswer }
    return [factors.count == 1 ? first : .product(factors)]
  }

  /// `\sum_{k=1}^{n} …`, `\prod`.
  private mutating func sumOverIndex(_ function: Function) throws(ReadingFault) -> Node {
    let (lower, upper) = try limits()
    let body = try factors()
    guard let upper, case .relation(.symbol(let name), let links) = lower ?? .infinity, links.count == 1 else {
      return .opaque(Symbol(function == .sum ? "sum" : "product"), [lower, upper, body].compactMap { $0 })
    }
    return .call(function, [.symbol(name), links[0].node, upper, body])
  }

  /// Limits and integrals, of which only the parts are known.
  mutating func bound(_ token: Token) throws(ReadingFault) -> Node {
    let (lower, upper) = try limits()
    let body = try factors()
    if case .integral = token { return .opaque(Symbol("integral"), [lower, upper, body].compactMap { $0 }) }
    return .opaque(Symbol("limit"), [lower, upper, body].compactMap { $0 })
  }

  private mutating func limits() throws(ReadingFault) -> (lower: Node?, upper: Node?) {
    var (lower, upper): (Node?, Node?) = (nil, nil)
    while let token = next {
      if case .underscore = token {
        index += 1
        lower = try argument()
      } else if case .power = token {
        index += 1
        upper = try argument()
      } else {
        break
      }
    }
    return (lower, upper)
  }

  /// The factors of a body, up to the next sign of addition.
  private mutating func factors() throws(ReadingFault) -> Node {
    var parts: [Node] = []
    var divisions = 0
    while let token = next {
      switch token {
      case .times: index += 1
      case .divide:
        index += 1
        divisions += 1
        guard divisions <= Self.largestDepth else { throw .tooLarge }
        try nest()
        guard let first = parts.first else { throw .notAnAnswer }
        parts = [.quotient(parts.count == 1 ? first : .product(parts), try factor())]
      case .number, .symbol, .fraction, .root, .infinity, .binomial, .open, .function, .limit, .integral:
        parts.append(try factor())
      default:
        guard let first = parts.first else { throw .notAnAnswer }
        return parts.count == 1 ? first : .product(parts)
      }
    }
    guard let first = parts.first else { throw .notAnAnswer }
    return parts.count == 1 ? first : .product(parts)
  }

  /// The rows of a matrix; its beginning has been read.
  mutating func matrix(isDeterminant: Bool) throws(ReadingFault) -> Node {
    var rows: [[Node]] = []
    var row: [Node] = []
    while let token = next {
      switch token {
      case .ampersand: index += 1
      case .newRow:
        index += 1
        if !row.isEmpty { rows.append(row) }
        row = []
      case .endMatrix:
        index += 1
        if !row.isEmpty { rows.append(row) }
        return isDeterminant ? .call(.determinant, [.matrix(rows)]) : .matrix(rows)
      case .bar: index += 1
      default: row.append(try list())
      }
    }
    if !row.isEmpty { rows.append(row) }
    return .matrix(rows)
  }
}

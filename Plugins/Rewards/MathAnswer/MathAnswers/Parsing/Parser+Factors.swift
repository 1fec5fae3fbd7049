// SPDX-License-Identifier: Apache-2.0

extension Parser {
  /// An atom with what is attached to it: exponents, subscripts, factorials, primes.
  mutating func factor() throws(ReadingFault) -> Node {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.largestDepth else { throw .tooLarge }
    var node: Node
    if let mixed = try mixedNumber() { node = mixed } else { node = try atom() }
    for _ in 0..<Self.largestDepth {
      guard let token = next else { return node }
      switch token {
      case .power:
        index += 1
        node = try raised(node)
      case .underscore:
        index += 1
        if let name = subscriptName() {
          node = subscripted(node, by: name)
        } else {
          node = subscripted(node, by: try atom())
        }
        // `T_1(0)`
        if case .symbol(let symbol) = node, case .open(UInt8(ascii: "(")) = next, appliesToNumber(symbol) {
          node = try applied(symbol)
        }
      case .factorial:
        index += 1
        if case .factorial = next {
          index += 1
          node = .call(.doubleFactorial, [node])
        } else {
          node = .call(.factorial, [node])
        }
      case .prime:
        index += 1
        guard case .symbol(let symbol) = node else { break }
        node = .symbol(symbol.subscripted(7))
        // `f'(x)`, and no product of a derivative.
        if case .open(UInt8(ascii: "(")) = next { node = try applied(symbol.subscripted(7)) }
      case .unitPower(let power):
        // `cm squared`
        guard case .unit = node else { return node }
        index += 1
        node = .power(node, .number(Decimal(UInt64(power))))
      default: return node
      }
      try nest()
    }
    throw .tooLarge
  }

  private mutating func raised(_ node: Node) throws(ReadingFault) -> Node {
    // A transposed matrix.
    if case .matrix(let rows) = node, case .symbol(let symbol) = next,
      symbol.letter == UInt8(ascii: "T") || symbol == Symbol("top")
    {
      index += 1
      return Self.transposed(rows)
    }
    return .power(node, try exponent())
  }

  private static func transposed(_ rows: [[Node]]) -> Node {
    guard let width = rows.map(\.count).min(), width > 0 else { return .matrix(rows) }
    return .matrix((0..<width).map { column in rows.map { $0[column] } })
  }

  /// What follows `^`: a group, or one factor with its sign.
  private mutating func exponent() throws(ReadingFault) -> Node {
    var isNegative = false
    while let token = next {
      if case .minus = token { isNegative.toggle() } else if case .plus = token {} else { break }
      index += 1
    }
    let node: Node
    if case .power = token(after: 1), case .number = next {
      // `2^3^2` is `2^(3^2)`.
      node = try factor()
    } else {
      node = try atom()
    }
    return isNegative ? .negative(node) : node
  }

  /// The name of a function as a subscript: `v_{\max}`, `v_{max}`, `v_{\text{max}}`; nil where there is none.
  private mutating func subscriptName() -> Node? {
    var position = index
    while position < lexemes.count, case .open(UInt8(ascii: "{")) = lexemes[position].token { position += 1 }
    let depth = position - index
    guard position < lexemes.count, case .function(let function) = lexemes[position].token else { return nil }
    guard depth > 0 else {
      index = position + 1
      return .text(Array(String(describing: function).utf8))
    }
    let closing = lexemes[(position + 1)...].prefix(depth)
    guard closing.count == depth, closing.allSatisfy({ if case .close = $0.token { true } else { false } }) else {
      return nil
    }
    index = position + 1 + depth
    return .text(Array(String(describing: function).utf8))
  }

  /// What a subscript makes of what stands before it: nothing that has one is the same without it.
  private func subscripted(_ node: Node, by subscript_: Node) -> Node {
    switch node {
    case .symbol(let symbol): return .subscripted(symbol, by: subscript_)
    // `v^2_0` is `v_0^2`.
    case .power(let base, let exponent): return .power(subscripted(base, by: subscript_), exponent)
    case .text(let text): return .subscripted(Symbol(text), by: subscript_)
    case .number:
      // `A5_{11}`: digits of which some are letters.
      return followsLetter ? .opaque(Symbol("digits"), [node, subscript_]) : .call(.inBase, [node, subscript_])
    case .product(let factors):
      guard let last = factors.last, factors.count < 32 else { break }
      let end: Node =
        if case .number = last { .opaque(Symbol("digits"), [last, subscript_]) } else {
          subscripted(last, by: subscript_)
        }
      return .product(factors.dropLast() + [end])
    default: break
    }
    return .opaque(Symbol("subscript"), [node, subscript_])
  }

  /// Whether the number before the subscript at hand stands right behind a letter.
  private var followsLetter: Bool {
    var position = index - 1
    while position > 0 {
      if case .underscore = lexemes[position].token { break }
      position -= 1
    }
    guard position > 1, case .number = lexemes[position - 1].token, !lexemes[position - 1].followsSpace,
      case .symbol = lexemes[position - 2].token
    else { return false }
    return true
  }

  /// `3\frac{1}{2}` and `3 1/2`; nil where there is none.
  private mutating func mixedNumber() throws(ReadingFault) -> Node? {
    guard case .number(let whole) = next, whole.places == 0 else { return nil }
    if case .fraction = token(after: 1) {
      // Looked at, not read: reading it twice would double the work at each depth.
      guard let (numerator, denominator, length) = literalFraction(after: 2), denominator > 0 else { return nil }
      index += length
      return .sum([
        .number(whole), .quotient(.number(Decimal(UInt64(numerator))), .number(Decimal(UInt64(denominator)))),
      ])
    }
    if case .number(let numerator) = token(after: 1), case .divide = token(after: 2),
      case .number(let denominator) = token(after: 3), lexemes[index + 1].followsSpace,
      let small = numerator.wholeNumber, let large = denominator.wholeNumber, small < large
    {
      index += 4
      return .sum([.number(whole), .quotient(.number(numerator), .number(denominator))])
    }
    return nil
  }

  /// The arguments of a fraction that are whole numbers, and how many tokens lead up to their end.
  private func literalFraction(after offset: Int) -> (numerator: Int, denominator: Int, length: Int)? {
    if case .number(let both) = token(after: offset), let value = both.wholeNumber {
      // `\frac12`
      if (10...99).contains(value) { return (value / 10, value % 10, offset + 1) }
      guard value < 10, let (below, end) = literal(after: offset + 1) else { return nil }
      return (value, below, end)
    }
    guard let (above, middle) = literal(after: offset), let (below, end) = literal(after: middle) else { return nil }
    return (above, below, end)
  }

  private func literal(after offset: Int) -> (Int, Int)? {
    if case .number(let number) = token(after: offset), let value = number.wholeNumber, value < 10 {
      return (value, offset + 1)
    }
    guard case .open(UInt8(ascii: "{")) = token(after: offset), case .number(let number) = token(after: offset + 1),
      case .close(UInt8(ascii: "{")) = token(after: offset + 2), number.places == 0, let value = number.wholeNumber
    else { return nil }
    return (value, offset + 3)
  }

  /// An argument of a command of TeX: a group, or a single token; of a number its first digit.
  mutating func argument() throws(ReadingFault) -> Node {
    if case .number(let number) = next, let value = number.wholeNumber, value > 9, number.places == 0 {
      let digits = String(value).utf8.map { $0 - 0x30 }
      lexemes[index].token = .number(Decimal(digits: Array(digits.dropFirst()), fraction: 0, exponent: 0))
      return .number(Decimal(UInt64(digits[0])))
    }
    var isNegative = false
    while case .minus = next {
      isNegative.toggle()
      index += 1
    }
    let node = try atom()
    return isNegative ? .negative(node) : node
  }

  /// A number, a name, a bracket with what it holds, a command with its arguments.
  mutating func atom() throws(ReadingFault) -> Node {
    guard let token = next else { throw .notAnAnswer }
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.largestDepth else { throw .tooLarge }
    index += 1
    switch token {
    case .number(let number): return .number(number)
    case .symbol(let symbol): return try named(symbol)
    case .infinity: return .infinity
    case .unit(let unit): return try prefixed(unit)
    case .unitPower(let power):
      guard case .unit(let unit) = next else { throw .notAnAnswer }
      index += 1
      return .power(.unit(unit), .number(Decimal(UInt64(power))))
    case .open(let bracket): return try bracketed(bracket)
    case .bar:
      openBars += 1
      let inside = try sum()
      openBars -= 1
      if case .bar = next { index += 1 }
      return .call(.absolute, [inside])
    case .doubleBar:
      openBars += 1
      let inside = try sum()
      openBars -= 1
      if case .doubleBar = next { index += 1 }
      return .opaque(Symbol("norm"), [inside])
    case .fraction: return .quotient(try argument(), try argument())
    case .binomial: return .call(.binomial, [try argument(), try argument()])
    case .root(let takesDigit): return try root(takesDigit)
    case .function(let function): return try call(function)
    case .limit, .integral: return try bound(token)
    case .beginMatrix(let isDeterminant): return try matrix(isDeterminant: isDeterminant)
    case .numberSet(let set): return .numberSet(set)
    case .word(let word): return words(word)
    default: throw .notAnAnswer
    }
  }

  /// A symbol, or the application of a function: `f(x)`, `f^{-1}(x)`, `I(0)`, and what stands before `=`.
  private mutating func named(_ symbol: Symbol) throws(ReadingFault) -> Node {
    let start = index - 1
    let inverse = lengthOfInverse
    let open = index + inverse
    guard open < lexemes.count, case .open(UInt8(ascii: "(")) = lexemes[open].token else { return .symbol(symbol) }
    let isFunction =
      [UInt8(ascii: "f"), UInt8(ascii: "g"), UInt8(ascii: "F"), UInt8(ascii: "G")].contains(symbol.letter)
      || !names.isDisjoint(with: NameSet(symbol.letter))
    guard isFunction || isNameOfSide(start, open) || inverse == 0 && appliesToNumber(symbol) else {
      return .symbol(symbol)
    }
    index = open
    return try applied(inverse == 0 ? symbol : symbol.subscripted(13))
  }

  /// The application of a function to what the bracket at hand holds.
  private mutating func applied(_ symbol: Symbol) throws(ReadingFault) -> Node {
    index += 1
    let inside = try bracketed(UInt8(ascii: "("))
    if case .tuple(_, let parts) = inside { return .opaque(symbol, parts) }
    return .opaque(symbol, [inside])
  }

  /// How many tokens `^{-1}` takes at hand; 0 where it does not stand there.
  private var lengthOfInverse: Int {
    guard case .power = next else { return 0 }
    if case .minus = token(after: 1), case .number(let one) = token(after: 2), one.wholeNumber == 1 { return 3 }
    guard case .open(UInt8(ascii: "{")) = token(after: 1), case .minus = token(after: 2),
      case .number(let one) = token(after: 3), one.wholeNumber == 1, case .close = token(after: 4)
    else { return 0 }
    return 5
  }

  /// `I(0)`: nobody multiplies by a zero, and rarely a capital letter by a number in parentheses.
  private func appliesToNumber(_ symbol: Symbol) -> Bool {
    guard case .number(let number) = token(after: 1), case .close(UInt8(ascii: "(")) = token(after: 2) else {
      return false
    }
    return number.wholeNumber == 0 || symbol.letter.isCapital
  }

  /// Whether a symbol and the bracket after it are all that stands before `=`: `P(A) = …`.
  private func isNameOfSide(_ start: Int, _ open: Int) -> Bool {
    if start >= 1 {
      guard lexemes[start - 1].token.separates else { return false }
    }
    var position = open + 1
    while position < lexemes.count, position < open + 24 {
      switch lexemes[position].token {
      case .close(UInt8(ascii: "(")):
        if position + 1 < lexemes.count, case .relation(let relation) = lexemes[position + 1].token {
          return relation == .equal || relation == .approximately
        }
        return false
      case .plus, .minus, .open: return false
      default: position += 1
      }
    }
    return false
  }

  /// A unit; that of a currency may stand before its number.
  private mutating func prefixed(_ unit: Unit) throws(ReadingFault) -> Node {
    guard unit.isCurrency, case .number = next else { return .unit(unit) }
    return .product([try factor(), .unit(unit)])
  }

  private mutating func root(_ takesDigit: Bool) throws(ReadingFault) -> Node {
    guard case .open(UInt8(ascii: "[")) = next else {
      return .call(.root, [takesDigit ? try argument() : try atom()])
    }
    index += 1
    let degree = try sum()
    if case .close(UInt8(ascii: "[")) = next { index += 1 }
    return .call(.root, [try argument(), degree])
  }

  /// One word or several side by side.
  private mutating func words(_ first: [UInt8]) -> Node {
    var text = first
    while true {
      if case .word(let word) = next { text += word } else { return .text(text) }
      index += 1
    }
  }
}

extension Node {
  /// A variable with a subscript: another variable, or an unknown function where the subscript is an expression.
  static func subscripted(_ symbol: Symbol, by node: Node) -> Node {
    switch node {
    case .number(let number):
      return .symbol(symbol.subscripted(Symbol.mixed(number.significand, UInt64(bitPattern: Int64(number.exponent)))))
    // `a_k` follows `k`, which may be the index of a sum.
    case .symbol(let other):
      return (UInt8(ascii: "i")...UInt8(ascii: "n")).contains(other.letter)
        ? .opaque(symbol, [node]) : .symbol(symbol.subscripted(other.hash))
    case .text(let text): return .symbol(symbol.subscripted(Symbol.hash(text)))
    case .product(let factors):
      // `S_{ABC}`, in the order written.
      var result = symbol
      for factor in factors {
        switch factor {
        case .symbol(let other): result = result.subscripted(other.hash)
        case .number(let number): result = result.subscripted(number.significand &+ 11)
        default: return .opaque(symbol, [node])
        }
      }
      return .symbol(result)
    default: return .opaque(symbol, [node])
    }
  }
}

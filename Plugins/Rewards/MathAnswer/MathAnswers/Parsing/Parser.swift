// SPDX-License-Identifier: Apache-2.0

/// Reads tokens into what they say, by recursive descent with one token of foresight.
///
/// It is lenient: a bracket that stays open is closed by the end. What it cannot read is no answer, and throws.
struct Parser {
  /// How deep expressions may be nested.
  static let largestDepth = 100
  /// How many signs may nest what stands before them, in all of an answer.
  static let mostNestings = 1000

  var lexemes: [Lexeme]
  var index = 0
  var depth = 0
  /// How many signs have nested what stood before them.
  private var nestings = 0
  /// How many bars are open, so that a bar after an operand closes one.
  var openBars = 0
  /// Letters that are names of functions, besides `f` and `g`.
  let names: NameSet

  init(_ lexemes: [Lexeme], names: NameSet) {
    self.lexemes = lexemes
    self.names = names
  }

  /// Reads a whole text.
  ///
  /// - Throws: When it is no answer, or beyond the bounds.
  static func node(
    of bytes: [UInt8], commas: CommaReading, names: NameSet = [], unitsAreVariables: Bool = false
  ) throws(ReadingFault) -> Node {
    let tokens = try Tokenizer.tokens(of: bytes, commas: commas, unitsAreVariables: unitsAreVariables)
    var parser = Parser(tokens, names: names)
    guard !parser.lexemes.isEmpty else { throw .notAnAnswer }
    let node = try parser.list()
    guard parser.index == parser.lexemes.count else { throw .notAnAnswer }
    return node
  }

  var next: Token? { index < lexemes.count ? lexemes[index].token : nil }

  func token(after offset: Int) -> Token? { index + offset < lexemes.count ? lexemes[index + offset].token : nil }

  /// Parts between commas, semicolons, `and` and `or`; one part alone is itself.
  mutating func list() throws(ReadingFault) -> Node {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.largestDepth else { throw .tooLarge }
    var parts: [Node] = []
    var connective = Connective.comma
    var separation = skipSeparators(&connective)
    connective = .comma
    // Whether `;` or `or` stands before each part but the first, where commas and `and` stand elsewhere.
    var isStrong: [Bool] = []
    while let token = next, !token.closes {
      if !parts.isEmpty { isStrong.append(separation) }
      parts.append(try relation())
      if case .bar = next, openBars == 0 { break }
      guard let token = next, token.separates else { break }
      separation = skipSeparators(&connective)
    }
    guard let first = parts.first else { throw .notAnAnswer }
    if parts.count == 1 { return first }
    if connective == .and, let quantity = Self.quantity(parts) { return quantity }
    return Self.grouped(parts, isStrong) ?? .list(parts, connective)
  }

  /// Skips what stands between parts, and tells whether `;` or `or` is among it.
  private mutating func skipSeparators(_ connective: inout Connective) -> Bool {
    var isStrong = false
    while let token = next, token.separates {
      switch token {
      case .and, .conjunction: if connective != .or { connective = .and }
      case .or, .disjunction:
        connective = .or
        isStrong = true
      case .semicolon: isStrong = true
      default: break
      }
      index += 1
    }
    return isStrong
  }

  /// `p=5, q=2; p=7, q=2`: each solution by itself; nil where the parts are no assignments, or of one kind of separator.
  private static func grouped(_ parts: [Node], _ isStrong: [Bool]) -> Node? {
    guard parts.allSatisfy(\.isAssignment) else { return nil }
    guard isStrong.contains(true), isStrong.contains(false) else { return repeated(parts) }
    var groups = [[parts[0]]]
    for (part, isStrong) in zip(parts.dropFirst(), isStrong) {
      if isStrong { groups.append([part]) } else { groups[groups.count - 1].append(part) }
    }
    return .list(groups.map { $0.count == 1 ? $0[0] : .list($0, .comma) }, .or)
  }

  /// `p=5, q=2 and p=7, q=2`: the same variables anew in each solution; nil where they are not.
  private static func repeated(_ parts: [Node]) -> Node? {
    let names = parts.map(\.assignedVariable)
    guard let width = names.dropFirst().firstIndex(of: names[0]), width > 1, parts.count % width == 0,
      Set(names.prefix(width)).count == width,
      names.indices.allSatisfy({ names[$0] == names[$0 % width] })
    else { return nil }
    return .list(
      stride(from: 0, to: parts.count, by: width).map { .list(Array(parts[$0..<($0 + width)]), .comma) }, .or)
  }

  /// `1 hour and 20 minutes`: one quantity in units that get smaller; nil for anything else.
  private static func quantity(_ parts: [Node]) -> Node? {
    let units = parts.map(\.measureUnit)
    guard (2...3).contains(parts.count) else { return nil }
    for (unit, next) in zip(units, units.dropFirst()) {
      guard let unit, let next, let base = unit.base, base == next.base, unit.power == next.power,
        unit.numerator.multipliedFullWidth(by: next.denominator)
          > next.numerator.multipliedFullWidth(by: unit.denominator)
      else { return nil }
    }
    return .sum(parts)
  }

  /// Expressions with relations between them.
  private mutating func relation() throws(ReadingFault) -> Node {
    var left: Node
    if case .relation(let relation) = next, relation.isOrder || relation == .notEqual {
      // `> 5`: what is bounded has no name.
      left = .symbol(.unnamed)
    } else if case .relation = next {
      // `= 5`: what is meant stands to the left of the box.
      index += 1
      left = try statement()
    } else {
      left = try statement()
    }
    var links: [Node.Link] = []
    while case .relation(let relation) = next {
      index += 1
      // `x =` at the end says no more than `x`.
      guard let token = next, !token.closes, !token.separates else { break }
      links.append(Node.Link(relation: relation, node: try statement()))
    }
    if !links.isEmpty { left = .relation(left, links) }
    // `x \equiv 3 \pmod 5`: the modulus belongs to what it says.
    while case .modulus = next {
      index += 1
      left = .opaque(Symbol("modulus"), [left, try factor()])
      try nest()
    }
    return left
  }

  /// Unions, intersections and differences of sets, from left to right.
  mutating func setExpression() throws(ReadingFault) -> Node {
    var left = try sum()
    // Each sign nests what stands before it.
    for _ in 0..<Self.largestDepth {
      guard let token = next else { return left }
      switch token {
      case .union:
        index += 1
        left = .union([left, try sum()])
      case .intersection:
        index += 1
        left = .intersection([left, try sum()])
      case .setDifference:
        index += 1
        left = .difference(left, try sum())
      case .over:
        index += 1
        left = .quotient(left, try sum())
      case .choose:
        index += 1
        left = .call(.binomial, [left, try sum()])
      default: return left
      }
      try nest()
    }
    throw .tooLarge
  }

  /// Counts a node around what was read before it; a walk over an answer goes no deeper than all of these together.
  mutating func nest() throws(ReadingFault) {
    nestings += 1
    guard nestings <= Self.mostNestings else { throw .tooLarge }
  }

  /// Terms with signs between them.
  mutating func sum() throws(ReadingFault) -> Node {
    var terms: [Node] = []
    while let token = next {
      // Words are no terms: `non-negative`, `the answer is -5`.
      if case .text = terms.last { break }
      switch token {
      case .plus:
        index += 1
        terms.append(try term())
      case .minus:
        index += 1
        terms.append(.negative(try term()))
      case .plusMinus:
        index += 1
        terms.append(.plusMinus(try term(), isFlipped: false))
      case .minusPlus:
        index += 1
        terms.append(.plusMinus(try term(), isFlipped: true))
      default:
        // `3 feet 4 inches`
        if case .number = token, case .product(let factors) = terms.last, case .unit(let unit) = factors.last,
          unit.kind == .measure
        {
          terms.append(try term())
          continue
        }
        guard terms.isEmpty else { return terms.count == 1 ? terms[0] : .sum(terms) }
        terms.append(try term())
      }
    }
    guard let first = terms.first else { throw .notAnAnswer }
    return terms.count == 1 ? first : .sum(terms)
  }

  /// Factors, with or without signs between them.
  private mutating func term() throws(ReadingFault) -> Node {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.largestDepth else { throw .tooLarge }
    var factors = [try signedFactor()]
    // Each sign of division nests what stands before it.
    var divisions = 0
    while let token = next {
      switch token {
      case .divide, .per, .colon, .modulo:
        divisions += 1
        guard divisions <= Self.largestDepth else { throw .tooLarge }
        try nest()
      default: break
      }
      switch token {
      case .times:
        index += 1
        // `5 *` of emphasis at the end.
        guard let token = next, !token.closes else { return Self.product(factors) }
        factors.append(try signedFactor())
      case .divide, .per:
        index += 1
        factors = [.quotient(Self.product(factors), try signedFactor())]
      case .modulo:
        index += 1
        factors = [.call(.modulo, [Self.product(factors), try signedFactor()])]
      case .colon:
        index += 1
        // `Area: 12`
        if case .text = factors[0] {
          factors = [try signedFactor()]
          continue
        }
        factors = [Self.ratio(Self.product(factors), try signedFactor())]
      default:
        // Words multiply nothing.
        if case .text = factors[factors.count - 1] { return Self.product(factors) }
        // `2 h 30 min`
        if case .number = token, case .unit(let unit) = factors[factors.count - 1], unit.kind == .measure {
          return Self.product(factors)
        }
        guard startsFactor(token) else { return Self.product(factors) }
        factors.append(try factor())
      }
    }
    return Self.product(factors)
  }

  private static func product(_ factors: [Node]) -> Node { factors.count == 1 ? factors[0] : .product(factors) }

  private static func ratio(_ left: Node, _ right: Node) -> Node {
    if case .ratio(let parts) = left { return .ratio(parts + [right]) }
    return .ratio([left, right])
  }

  private mutating func signedFactor() throws(ReadingFault) -> Node {
    var isNegative = false
    while let token = next {
      if case .minus = token {
        isNegative.toggle()
      } else if case .plus = token {
      } else {
        break
      }
      index += 1
    }
    let node = try factor()
    return isNegative ? .negative(node) : node
  }

  /// Whether a token begins a factor, so that it multiplies what stands before it.
  private func startsFactor(_ token: Token) -> Bool {
    switch token {
    case .symbol, .function, .infinity, .unit, .unitPower, .open, .fraction, .root, .binomial, .beginMatrix, .limit,
      .integral:
      return true
    // Two numbers side by side are no product; `3 1/2` is read where its whole part is.
    case .number:
      guard index > 0 else { return true }
      switch lexemes[index - 1].token {
      case .number, .unit: return false
      default: return true
      }
    case .bar: return openBars == 0 && hasPartnerBar
    case .doubleBar: return openBars == 0
    default: return false
    }
  }

  /// Whether the bar at hand is followed by another before any bracket closes that was open.
  private var hasPartnerBar: Bool {
    var level = 0
    var position = index + 1
    while position < lexemes.count, position < index + 200 {
      switch lexemes[position].token {
      case .open: level += 1
      case .close:
        level -= 1
        if level < 0 { return false }
      case .bar: if level == 0 { return true }
      case .relation, .comma: if level == 0 { return false }
      default: break
      }
      position += 1
    }
    return false
  }
}

extension Token {
  /// Whether it ends a list: a closing bracket, the end of a cell or of a row.
  var closes: Bool {
    switch self {
    case .close, .ampersand, .newRow, .endMatrix: true
    default: false
    }
  }

  /// Whether it stands between the parts of a list.
  var separates: Bool {
    switch self {
    case .comma, .semicolon, .and, .or, .conjunction, .disjunction: true
    default: false
    }
  }
}

extension Node {
  /// Whether it says what one variable is.
  fileprivate var isAssignment: Bool { assignedVariable != nil }

  /// The variable of which it says what it is.
  fileprivate var assignedVariable: Symbol? {
    guard case .relation(.symbol(let symbol), let links) = self, links.count == 1, links[0].relation == .equal else {
      return nil
    }
    return symbol
  }

  /// The unit of a number with a known one.
  fileprivate var measureUnit: Unit? {
    guard case .product(let factors) = self, factors.count == 2, case .number = factors[0],
      case .unit(let unit) = factors[1],
      unit.kind == .measure
    else { return nil }
    return unit
  }
}

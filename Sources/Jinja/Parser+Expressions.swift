// SPDX-License-Identifier: Apache-2.0

/// What may end a tuple without parentheses, besides the end of its tag.
enum TupleEnd {
  case none
  case name(String)
}

extension Parser {
  /// An expression with or without `… if … else …`.
  mutating func expression(conditional: Bool = true) throws(TemplateError) -> Expression {
    try nested { parser throws(TemplateError) in
      try conditional ? parser.conditional() : parser.or()
    }
  }

  private mutating func conditional() throws(TemplateError) -> Expression {
    var line = current.line
    var result = try or()
    while skip(name: "if") {
      var low = currentHeight
      let test = try or()
      low = max(low, currentHeight)
      var otherwise: Expression?
      if skip(name: "else") {
        otherwise = try nested { parser throws(TemplateError) in try parser.conditional() }
      }
      try grow(over: low)
      result = .conditional(test, then: result, otherwise: otherwise, line: line)
      line = current.line
    }
    return result
  }

  private mutating func or() throws(TemplateError) -> Expression {
    var left = try and()
    while skip(name: "or") {
      let low = currentHeight
      let right = try and()
      try grow(over: low)
      left = .or(left, right)
    }
    return left
  }

  private mutating func and() throws(TemplateError) -> Expression {
    var left = try not()
    while skip(name: "and") {
      let low = currentHeight
      let right = try not()
      try grow(over: low)
      left = .and(left, right)
    }
    return left
  }

  private mutating func not() throws(TemplateError) -> Expression {
    guard skip(name: "not") else { return try comparison() }
    let value = try nested { parser throws(TemplateError) in try parser.not() }
    try grow()
    return .not(value)
  }

  private mutating func comparison() throws(TemplateError) -> Expression {
    let first = try sum()
    var low = currentHeight
    var others: [(Comparison, Expression)] = []
    var line = current.line
    while let comparison = takeComparison() {
      others.append((comparison, try sum()))
      low = max(low, currentHeight)
      line = current.line
    }
    guard !others.isEmpty else { return first }
    try grow(over: low)
    return .compare(first, others, line: line)
  }

  private mutating func takeComparison() -> Comparison? {
    if case .symbol(let symbol) = current.kind, let comparison = Comparison(rawValue: symbol.rawValue) {
      take()
      return comparison
    }
    if skip(name: "in") { return .contained }
    if isAt(name: "not"), next.kind == .name("in") {
      take()
      take()
      return .notContained
    }
    return nil
  }

  private mutating func sum() throws(TemplateError) -> Expression {
    try chain([.add, .subtract]) { parser throws(TemplateError) in try parser.joined() }
  }

  private mutating func product() throws(TemplateError) -> Expression {
    try chain([.multiply, .divide, .floorDivide, .remainder]) { parser throws(TemplateError) in try parser.power() }
  }

  private mutating func power() throws(TemplateError) -> Expression {
    try chain([.power]) { parser throws(TemplateError) in try parser.unary() }
  }

  private mutating func chain(
    _ operators: [BinaryOperator], _ operand: (inout Parser) throws(TemplateError) -> Expression
  ) throws(TemplateError) -> Expression {
    var line = current.line
    var left = try operand(&self)
    while case .symbol(let symbol) = current.kind, let operation = BinaryOperator(rawValue: symbol.rawValue),
      operators.contains(operation)
    {
      take()
      let low = currentHeight
      let right = try operand(&self)
      try grow(over: low)
      left = .binary(operation, left, right, line: line)
      line = current.line
    }
    return left
  }

  private mutating func joined() throws(TemplateError) -> Expression {
    let line = current.line
    var parts = [try product()]
    var low = currentHeight
    while skip(.join) {
      parts.append(try product())
      low = max(low, currentHeight)
    }
    guard parts.count > 1 else { return parts[0] }
    try grow(over: low)
    return .join(parts, line: line)
  }

  private mutating func unary(filters: Bool = true) throws(TemplateError) -> Expression {
    let line = current.line
    var value: Expression
    if isAt(.subtract) || isAt(.add) {
      let isNegative = take().kind == .symbol(.subtract)
      let operand = try nested { parser throws(TemplateError) in try parser.unary(filters: false) }
      try grow()
      value = .sign(isNegative: isNegative, operand, line: line)
    } else {
      value = try primary()
    }
    value = try postfix(value)
    return filters ? try filtered(value) : value
  }

  mutating func primary() throws(TemplateError) -> Expression {
    let token = current
    currentHeight = 1
    switch token.kind {
    case .name(let name):
      take()
      switch name {
      case "true", "True": return .bool(true)
      case "false", "False": return .bool(false)
      case "none", "None": return .none
      default: return .name(reference(name), line: token.line)
      }
    case .string(let text):
      take()
      var whole = text
      while case .string(let more) = current.kind {
        whole.bytes += more.bytes
        take()
      }
      return .text(whole)
    case .int(let value):
      take()
      return .int(value)
    case .double(let value):
      take()
      return .double(value)
    case .symbol(.openParenthesis):
      take()
      let value = try tuple(inParentheses: true)
      try expect(.closeParenthesis)
      return value
    case .symbol(.openBracket): return try list()
    case .symbol(.openBrace): return try dictionary()
    default: throw fault("unexpected '\(token.description)'", line: token.line)
    }
  }

  /// One expression, or several between commas.
  mutating func tuple(
    conditional: Bool = true, end: TupleEnd = .none, inParentheses: Bool = false
  ) throws(TemplateError) -> Expression {
    let line = current.line
    var items: [Expression] = []
    var isTuple = false
    var low = 0
    while true {
      if !items.isEmpty { try expect(.comma) }
      if isTupleEnd(end) { break }
      items.append(try expression(conditional: conditional))
      low = max(low, currentHeight)
      guard isAt(.comma) else { break }
      isTuple = true
    }
    currentHeight = low
    if !isTuple {
      if let only = items.first { return only }
      guard inParentheses else { throw fault("Expected an expression, got '\(current.description)'") }
    }
    try grow()
    return .tuple(items, line: line)
  }

  func isTupleEnd(_ end: TupleEnd) -> Bool {
    switch current.kind {
    case .variableEnd, .blockEnd, .symbol(.closeParenthesis): return true
    case .name(let name): if case .name(name) = end { return true }
    default: break
    }
    return false
  }

  private mutating func list() throws(TemplateError) -> Expression {
    let line = take().line
    var items: [Expression] = []
    var low = 0
    while !isAt(.closeBracket) {
      if !items.isEmpty { try expect(.comma) }
      if isAt(.closeBracket) { break }
      items.append(try expression())
      low = max(low, currentHeight)
    }
    try expect(.closeBracket)
    currentHeight = low
    try grow()
    return .list(items, line: line)
  }

  private mutating func dictionary() throws(TemplateError) -> Expression {
    let line = take().line
    var members: [(key: Expression, value: Expression)] = []
    var low = 0
    while !isAt(.closeBrace) {
      if !members.isEmpty { try expect(.comma) }
      if isAt(.closeBrace) { break }
      let key = try expression()
      low = max(low, currentHeight)
      try expect(.colon)
      members.append((key, try expression()))
      low = max(low, currentHeight)
    }
    try expect(.closeBrace)
    currentHeight = low
    try grow()
    return .dict(members, line: line)
  }

  mutating func postfix(_ start: Expression) throws(TemplateError) -> Expression {
    var value = start
    while true {
      if isAt(.dot) || isAt(.openBracket) {
        value = try subscripted(value)
      } else if isAt(.openParenthesis) {
        value = try call(value)
      } else {
        return value
      }
    }
  }

  private mutating func filtered(_ start: Expression) throws(TemplateError) -> Expression {
    var value = start
    while true {
      if isAt(.pipe) {
        take()
        value = try filter(value)
      } else if isAt(name: "is") {
        value = try test(value)
      } else if isAt(.openParenthesis) {
        value = try call(value)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(_ value: Expression) throws(TemplateError) -> Expression {
    let low = currentHeight
    let line = current.line
    if take().kind == .symbol(.dot) {
      let token = take()
      try grow(over: low)
      switch token.kind {
      case .name(let name): return .attribute(value, Text(name), line: line)
      case .int(let index): return .subscripted(value, .int(index), line: line)
      default: throw fault("expected name or number", line: token.line)
      }
    }
    var keys: [Expression] = []
    var deepest = low
    while !isAt(.closeBracket) {
      if !keys.isEmpty { try expect(.comma) }
      if let slice = try slice(of: value, line) {
        guard keys.isEmpty, isAt(.closeBracket) else {
          throw TemplateError(.unsupported, "a slice among several subscripts is not supported", line: line)
        }
        take()
        try grow(over: deepest)
        return slice
      }
      keys.append(try expression())
      deepest = max(deepest, currentHeight)
      if isAt(.colon) {
        let slice = try sliceRest(of: value, start: keys[0], line)
        guard keys.count == 1, isAt(.closeBracket) else {
          throw TemplateError(.unsupported, "a slice among several subscripts is not supported", line: line)
        }
        take()
        try grow(over: deepest)
        return slice
      }
    }
    try expect(.closeBracket)
    currentHeight = deepest
    try grow()
    return .subscripted(value, keys.count == 1 ? keys[0] : .tuple(keys, line: line), line: line)
  }

  private mutating func slice(of value: Expression, _ line: Int) throws(TemplateError) -> Expression? {
    isAt(.colon) ? try sliceRest(of: value, start: nil, line) : nil
  }

  private mutating func sliceRest(
    of value: Expression, start: Expression?, _ line: Int
  ) throws(TemplateError) -> Expression {
    take()
    var deepest = currentHeight
    var bounds: [Expression?] = [nil, nil]
    if !isAt(.colon), !isAt(.closeBracket), !isAt(.comma) {
      bounds[0] = try expression()
      deepest = max(deepest, currentHeight)
    }
    if skip(.colon), !isAt(.closeBracket), !isAt(.comma) {
      bounds[1] = try expression()
      deepest = max(deepest, currentHeight)
    }
    currentHeight = deepest
    return .sliced(value, start: start, stop: bounds[0], step: bounds[1], line: line)
  }

  mutating func call(_ function: Expression) throws(TemplateError) -> Expression {
    let line = current.line
    let low = currentHeight
    let arguments = try callArguments()
    try grow(over: low)
    return .call(function, arguments, line: line)
  }

  mutating func callArguments() throws(TemplateError) -> CallArguments {
    let line = current.line
    try expect(.openParenthesis)
    var arguments = CallArguments()
    var isFirst = true
    var low = 0
    func ensure(_ isValid: Bool) throws(TemplateError) {
      if !isValid { throw TemplateError(.syntax, "invalid syntax for function call expression", line: line) }
    }
    while !isAt(.closeParenthesis) {
      if !isFirst {
        try expect(.comma)
        if isAt(.closeParenthesis) { break }
      }
      isFirst = false
      if skip(.multiply) {
        try ensure(arguments.spread == nil && arguments.spreadNamed == nil)
        arguments.spread = try expression()
      } else if skip(.power) {
        try ensure(arguments.spreadNamed == nil)
        arguments.spreadNamed = try expression()
      } else if case .name(let name) = current.kind, next.kind == .symbol(.assign) {
        try ensure(arguments.spreadNamed == nil)
        take()
        take()
        guard !arguments.named.contains(where: { $0.name.string == name }) else {
          throw TemplateError(.syntax, "keyword argument repeated: \(name)", line: line)
        }
        arguments.named.append((Text(name), try expression()))
      } else {
        try ensure(arguments.spread == nil && arguments.spreadNamed == nil && arguments.named.isEmpty)
        arguments.positional.append(try expression())
      }
      low = max(low, currentHeight)
    }
    try expect(.closeParenthesis)
    currentHeight = low
    return arguments
  }

  private mutating func dottedName() throws(TemplateError) -> String {
    var name = try expectName()
    while skip(.dot) { name += "." + (try expectName()) }
    return name
  }

  /// A filter after its `|`.
  mutating func filter(_ value: Expression?) throws(TemplateError) -> Expression {
    let low = currentHeight
    let line = current.line
    let name = try dottedName()
    currentHeight = 0
    let arguments = isAt(.openParenthesis) ? try callArguments() : CallArguments()
    try grow(over: low)
    let function = FilterTable.filter(name, options.dialect)
    return .filter(value, FilterUse(name: name, function: function, arguments: arguments, line: line))
  }

  private mutating func test(_ value: Expression) throws(TemplateError) -> Expression {
    let low = currentHeight
    let line = take().line
    let isNegated = skip(name: "not")
    let name = try dottedName()
    currentHeight = 0
    var arguments = CallArguments()
    if isAt(.openParenthesis) {
      arguments = try callArguments()
    } else if beginsArgument {
      if isAt(name: "is") { throw fault("You cannot chain multiple tests with is") }
      arguments.positional = [try postfix(try primary())]
    }
    try grow(over: low)
    let use = TestUse(name: name, function: TestTable.tests[name], arguments: arguments, line: line)
    guard isNegated else { return .test(value, use) }
    try grow()
    return .not(.test(value, use))
  }

  private var beginsArgument: Bool {
    switch current.kind {
    case .name(let name): name != "else" && name != "or" && name != "and"
    case .string, .int, .double, .symbol(.openBracket), .symbol(.openBrace): true
    default: false
    }
  }
}

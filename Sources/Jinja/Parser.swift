// SPDX-License-Identifier: Apache-2.0

/// Makes statements of the tokens of a template.
///
/// Source: `jinja2/parser.py` of Jinja 3.1. Names get numbers, which ``ScopeAnalysis`` relates to variables.
struct Parser {
  let options: TemplateOptions
  private let tokens: [Token]
  private var place = 0
  /// How high the expression is that was read last: its longest way down.
  private var height = 0
  private var nesting = 0
  private(set) var names: [Text] = []
  private(set) var scopes = 0
  private(set) var functions = 1
  /// How many loops of the same function surround the current place.
  var loops = 0
  /// The tags that are open, innermost last, with what may end them.
  var open: [(tag: String, ends: [String])] = []

  init(_ tokens: [Token], options: TemplateOptions) {
    self.tokens = tokens
    self.options = options
  }

  // MARK: Tokens

  var current: Token { tokens[place] }
  var next: Token { tokens[min(place + 1, tokens.count - 1)] }

  @discardableResult
  mutating func take() -> Token {
    defer { if place < tokens.count - 1 { place += 1 } }
    return tokens[place]
  }

  func isAt(_ symbol: Token.Symbol) -> Bool { current.kind == .symbol(symbol) }
  func isAt(name: String) -> Bool { current.kind == .name(name) }

  mutating func skip(_ symbol: Token.Symbol) -> Bool {
    guard isAt(symbol) else { return false }
    take()
    return true
  }

  mutating func skip(name: String) -> Bool {
    guard isAt(name: name) else { return false }
    take()
    return true
  }

  mutating func expect(_ symbol: Token.Symbol) throws(TemplateError) {
    guard skip(symbol) else { throw expected("'\(symbol.rawValue)'") }
  }

  mutating func expect(name: String) throws(TemplateError) {
    guard skip(name: name) else { throw expected("'\(name)'") }
  }

  mutating func expect(_ kind: Token.Kind) throws(TemplateError) {
    guard current.kind == kind else { throw expected("'\(Token(kind: kind, line: 0).description)'") }
    take()
  }

  mutating func expectName() throws(TemplateError) -> String {
    guard case .name(let name) = current.kind else { throw expected("'name'") }
    take()
    return name
  }

  private func expected(_ what: String) -> TemplateError {
    if current.kind == .end {
      return TemplateError(.syntax, "unexpected end of template, expected \(what).", line: current.line)
    }
    return TemplateError(.syntax, "expected token \(what), got '\(current.description)'", line: current.line)
  }

  func fault(_ message: String, line: Int? = nil) -> TemplateError {
    TemplateError(.syntax, message, line: line ?? current.line)
  }

  // MARK: Names, scopes and depth

  mutating func reference(_ name: String) -> NameReference { reference(Text(name)) }

  mutating func reference(_ name: Text) -> NameReference {
    names.append(name)
    return NameReference(name: name, index: names.count - 1)
  }

  mutating func newScope() -> Int {
    scopes += 1
    return scopes - 1
  }

  mutating func newFunction() -> Int {
    functions += 1
    return functions - 1
  }

  /// Notes that an expression was made of those that were read since a height.
  ///
  /// - Throws: When it would be too high to be evaluated on a small stack.
  mutating func grow(over lower: Int = 0) throws(TemplateError) {
    height = max(height, lower) + 1
    guard height <= TemplateLimits.height else {
      throw TemplateError(
        .limit, "the expression has more than \(TemplateLimits.height) operations that wait for one another",
        line: current.line)
    }
  }

  var currentHeight: Int {
    get { height }
    set { height = newValue }
  }

  /// Runs a part of the parser one level deeper.
  mutating func nested<Result>(
    _ body: (inout Parser) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    nesting += 1
    guard nesting <= TemplateLimits.nesting else {
      throw TemplateError(
        .limit, "the template nests deeper than \(TemplateLimits.nesting) levels", line: current.line)
    }
    let result = try body(&self)
    nesting -= 1
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0

/// How a comma between digits is read, where it can be read in several ways.
enum CommaReading {
  /// `1,234` is one number.
  case thousands
  /// `1,234` is two numbers.
  case separator
  /// `1,23` is a number with decimals.
  case decimal
  /// `1,23` is a number with decimals where the other answer is `1.23`.
  case sameDecimal

  /// Whether a comma stands before decimals.
  var isDecimal: Bool { self == .decimal || self == .sameDecimal }
}

/// Reads an answer, in TeX or plain, into tokens, in one pass.
struct Tokenizer {
  /// The bounds on one answer.
  static let largestText = 1 << 16
  static let largestCount = 1 << 13

  let bytes: [UInt8]
  let commas: CommaReading
  /// Whether letters are variables where they could be a unit or a word: `2mg` is a weight, `it` a product.
  let unitsAreVariables: Bool
  var position = 0
  var tokens: [Lexeme] = []
  var followsSpace = false
  /// For every open brace, what its closing one is to do.
  var braces: [Brace] = []
  var textDepth = 0
  var matrixDepth = 0
  /// Where wide space or the end of a line stands, as the index of the token after it.
  var gaps: [Gap] = []
  private let hasOddDollars: Bool

  enum Brace {
    case group
    case words
    /// A brace without a trace.
    case nothing
  }

  init(_ bytes: [UInt8], commas: CommaReading, unitsAreVariables: Bool) {
    self.bytes = bytes
    self.commas = commas
    self.unitsAreVariables = unitsAreVariables
    hasOddDollars = Self.hasOddDollars(bytes)
    tokens.reserveCapacity(min(bytes.count, 256))
  }

  /// Reads all of it.
  ///
  /// - Throws: When it is larger than the bounds, or holds characters that no answer has.
  static func tokens(
    of bytes: [UInt8], commas: CommaReading, unitsAreVariables: Bool
  ) throws(ReadingFault) -> [Lexeme] {
    guard bytes.count <= largestText else { throw .tooLarge }
    var tokenizer = Tokenizer(bytes, commas: commas, unitsAreVariables: unitsAreVariables)
    while tokenizer.position < bytes.count {
      try tokenizer.readNext()
      if tokenizer.tokens.count > largestCount { throw .tooLarge }
    }
    // What stays open is closed by the end.
    while let brace = tokenizer.braces.popLast() {
      if case .nothing = brace { continue }
      tokenizer.emit(.close(UInt8(ascii: "{")))
    }
    return tokenizer.separated()
  }

  mutating func emit(_ token: Token) {
    tokens.append(Lexeme(token: token, followsSpace: followsSpace))
    followsSpace = false
  }

  func byte(at position: Int) -> UInt8 { position < bytes.count ? bytes[position] : 0 }

  func holds(_ literal: StaticString, at position: Int) -> Bool { bytes[...].holds(literal, at: position) }

  func skippingSpace(from start: Int) -> Int {
    var position = start
    while position < bytes.count, bytes[position].isSpace { position += 1 }
    return position
  }

  private mutating func readNext() throws(ReadingFault) {
    let byte = bytes[position]
    if byte.isDigit { return try readNumber() }
    if byte.isLetter { return readWord() }
    if byte >= 0x80 { return try readUnicode() }
    position += 1
    switch byte {
    case 0x0A: markGap(.line)
    case 0x00...0x20, UInt8(ascii: "~"): followsSpace = true
    case UInt8(ascii: "\\"): try readCommand()
    case UInt8(ascii: "{"):
      braces.append(.group)
      emit(.open(byte))
    case UInt8(ascii: "}"): closeBrace()
    case UInt8(ascii: "("): if !readModulus(), !readWordsInParentheses() { emit(.open(byte)) }
    case UInt8(ascii: "["): emit(.open(byte))
    case UInt8(ascii: ")"): emit(.close(UInt8(ascii: "(")))
    case UInt8(ascii: "]"): emit(.close(UInt8(ascii: "[")))
    case UInt8(ascii: "+"):
      if byteIs("-") {
        position += 1
        emit(.plusMinus)
      } else {
        emit(.plus)
      }
    case UInt8(ascii: "-"): emit(.minus)
    case UInt8(ascii: "*"):
      if byteIs("*") {
        position += 1
        // `**` is a power between operands, and emphasis around an answer.
        if endsOperand, position < bytes.count, bytes[position].isDigit || bytes[position] == UInt8(ascii: "(") {
          emit(.power)
        }
      } else {
        emit(.times)
      }
    case UInt8(ascii: "/"): emit(.divide)
    case UInt8(ascii: ":"): emit(.colon)
    case UInt8(ascii: "^"): readPower()
    case UInt8(ascii: "_"): emit(.underscore)
    case UInt8(ascii: "!"):
      if byteIs("=") {
        position += 1
        emit(.relation(.notEqual))
      } else {
        emit(.factorial)
      }
    case UInt8(ascii: "'"): emit(.prime)
    case UInt8(ascii: "%"): emit(.unit(.percent))
    case UInt8(ascii: "|"):
      if byteIs("|") {
        position += 1
        emit(.doubleBar)
      } else {
        emit(.bar)
      }
    case UInt8(ascii: ","): emit(.comma)
    case UInt8(ascii: ";"): emit(.semicolon)
    case UInt8(ascii: "="):
      if byteIs("=") { position += 1 }
      emit(.relation(.equal))
    case UInt8(ascii: "<"): readOrder(.less, .lessOrEqual)
    case UInt8(ascii: ">"): readOrder(.greater, .greaterOrEqual)
    case UInt8(ascii: "&"): if matrixDepth > 0 { emit(.ampersand) }
    case UInt8(ascii: "."):
      if self.byte(at: position).isDigit {
        position -= 1
        try readNumber()
      } else if bytes[position...].starts(with: "..".utf8) {
        position += 2
        emit(.symbol(Symbol("dots")))
      }
    case UInt8(ascii: "$"): readDollar()
    case UInt8(ascii: "\""), UInt8(ascii: "`"), UInt8(ascii: "?"), UInt8(ascii: "#"): break
    default: throw .notAnAnswer
    }
  }

  private func byteIs(_ scalar: Unicode.Scalar) -> Bool { byte(at: position) == UInt8(ascii: scalar) }

  /// Whether the last token ends something that an operator can follow.
  var endsOperand: Bool {
    switch tokens.last?.token {
    case .number, .symbol, .close, .unit, .factorial, .infinity: true
    default: false
    }
  }

  private mutating func readOrder(_ strict: Relation, _ orEqual: Relation) {
    if byteIs("=") {
      position += 1
      emit(.relation(orEqual))
    } else if strict == .less, byteIs(">") {
      position += 1
      emit(.relation(.notEqual))
    } else {
      emit(.relation(strict))
    }
  }

  mutating func closeBrace() {
    guard let brace = braces.popLast() else { return }
    switch brace {
    case .group: emit(.close(UInt8(ascii: "{")))
    case .words:
      textDepth -= 1
      followsSpace = false
      emit(.close(UInt8(ascii: "{")))
    case .nothing: break
    }
  }

  /// `^`, and what may follow it in place of an exponent: a degree sign, a prime.
  private mutating func readPower() {
    var next = skippingSpace(from: position)
    let isGroup = byte(at: next) == UInt8(ascii: "{")
    if isGroup { next = skippingSpace(from: next + 1) }
    // Most exponents are digits and letters.
    let first = byte(at: next)
    guard first == UInt8(ascii: "\\") || first == UInt8(ascii: "o") || first >= 0x80 else { return emit(.power) }
    for (name, token) in Self.raised where bytes[next...].starts(with: name.utf8) {
      var end = next + name.utf8.count
      if byte(at: end).isLetter, name.first == "\\" { continue }
      if isGroup {
        end = skippingSpace(from: end)
        guard byte(at: end) == UInt8(ascii: "}") else { continue }
        end += 1
      }
      position = end
      emit(token)
      return
    }
    emit(.power)
  }

  private static let raised: [(String, Token)] = [
    ("\\circ", .unit(.degree)), ("\\degree", .unit(.degree)), ("°", .unit(.degree)), ("o}", .unit(.degree)),
    ("\\prime", .prime),
  ]

  /// A dollar sign: that of a price before a number without a partner, else that of TeX.
  private mutating func readDollar() {
    let isPrice = byte(at: position).isDigit && !endsOperand && hasOddDollars
    if isPrice { emit(.unit(.dollar)) } else { followsSpace = true }
  }

  private static func hasOddDollars(_ bytes: [UInt8]) -> Bool {
    var count = 0
    for index in bytes.indices where bytes[index] == UInt8(ascii: "$") {
      if index == 0 || bytes[index - 1] != UInt8(ascii: "\\") { count += 1 }
    }
    return count % 2 == 1
  }
}

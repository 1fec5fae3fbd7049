// SPDX-License-Identifier: Apache-2.0

/// Cuts a template into tokens, with Jinja's rules for white space.
///
/// Source: `jinja2/lexer.py` of Jinja 3.1.
struct Lexer {
  private var source: Text
  private let blockLines: TemplateOptions.BlockLines
  private var position = 0
  private var line = 1
  private var isLineStart = true
  private var made: [Token] = []
  private var brackets: [UInt8] = []

  init(_ text: String, blockLines: TemplateOptions.BlockLines) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var previous: UInt8 = 0
    for byte in text.utf8 {
      // A line ends with \r\n, \r or \n; all become \n.
      if !(byte == 10 && previous == 13) { bytes.append(byte == 13 ? 10 : byte) }
      previous = byte
    }
    if bytes.last == 10 { bytes.removeLast() }
    source = Text(bytes)
    self.blockLines = blockLines
  }

  private enum Opening {
    case block
    case variable
    case comment
    case raw
  }

  /// All tokens; the last is ``Token/Kind/end``.
  mutating func tokens() throws(TemplateError) -> [Token] {
    while position < source.bytes.count {
      let start = position
      guard let (opening, place) = nextOpening() else {
        add(.data(Text(source.bytes[start...])))
        position = source.bytes.count
        break
      }
      position = place + 2
      let sign = takeSign()
      data(from: start, to: place, sign: sign, isVariable: opening == .variable)
      isLineStart = false
      switch opening {
      case .variable: try code(.variableBegin, .variableEnd, "}}")
      case .block: try code(.blockBegin, .blockEnd, "%}")
      case .comment: try comment()
      case .raw: try raw()
      }
    }
    add(.end)
    return made
  }

  private mutating func add(_ kind: Token.Kind) { made.append(Token(kind: kind, line: line)) }

  private func byte(_ index: Int) -> UInt8? { index < source.bytes.count ? source.bytes[index] : nil }

  private func nextOpening() -> (Opening, Int)? {
    var index = position
    let bytes = source.bytes
    while index + 1 < bytes.count {
      if bytes[index] == UInt8(ascii: "{") {
        switch bytes[index + 1] {
        case UInt8(ascii: "%"): return (rawBody(index) == nil ? .block : .raw, index)
        case UInt8(ascii: "{"): return (.variable, index)
        case UInt8(ascii: "#"): return (.comment, index)
        default: break
        }
      }
      index += 1
    }
    return nil
  }

  /// Where the body of a raw block that begins at a place starts.
  private func rawBody(_ place: Int) -> Int? {
    var index = place + 2
    if let sign = byte(index), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { index += 1 }
    index = skippingSpaces(index)
    guard source.bytes[index...].starts(with: "raw".utf8) else { return nil }
    index = skippingSpaces(index + 3)
    if source.bytes[index...].starts(with: "-%}".utf8) { return skippingSpaces(index + 3) }
    return source.bytes[index...].starts(with: "%}".utf8) ? index + 2 : nil
  }

  private mutating func takeSign() -> UInt8? {
    guard let sign = byte(position), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") else { return nil }
    position += 1
    return sign
  }

  private func skippingSpaces(_ start: Int) -> Int {
    var index = start
    while index < source.bytes.count {
      let (scalar, width) = source.decoded(at: index)
      guard scalar.isPythonSpace else { break }
      index += width
    }
    return index
  }

  /// Adds the text before a tag, without the white space that the tag takes.
  private mutating func data(from start: Int, to end: Int, sign: UInt8?, isVariable: Bool) {
    var text = Text(source.bytes[start..<end])
    let lines = text.bytes.count { $0 == 10 }
    if sign == UInt8(ascii: "-") {
      text = text.stripped(.trailing)
    } else if sign == nil, blockLines == .trimmed, !isVariable {
      let lineStart = text.bytes.lastIndex(of: 10).map { $0 + 1 } ?? 0
      let rest = Text(text.bytes[lineStart...])
      if lineStart > 0 || isLineStart, rest.stripped().isEmpty { text = Text(text.bytes[..<lineStart]) }
    }
    if !text.isEmpty { add(.data(text)) }
    line += lines
  }

  /// Moves past white space or a line end after a tag that ended.
  private mutating func finish(_ sign: UInt8?, dropsLineEnd: Bool) {
    let start = position
    if sign == UInt8(ascii: "-") {
      position = skippingSpaces(position)
    } else if dropsLineEnd, sign == nil, blockLines == .trimmed, byte(position) == 10 {
      position += 1
    }
    line += source.bytes[start..<position].count { $0 == 10 }
    isLineStart = position > start && source.bytes[position - 1] == 10
  }

  private mutating func comment() throws(TemplateError) {
    // As in Jinja, nothing is missing where the template ends with the opening.
    guard position < source.bytes.count else { return }
    guard let end = source.firstRange(of: "#}", from: position) else {
      throw TemplateError(.syntax, "Missing end of comment tag", line: line)
    }
    let sign = end > position ? sign(before: end) : nil
    line += source.bytes[position..<end].count { $0 == 10 }
    position = end + 2
    finish(sign, dropsLineEnd: true)
  }

  private func sign(before end: Int) -> UInt8? {
    let sign = source.bytes[end - 1]
    return sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") ? sign : nil
  }

  private mutating func raw() throws(TemplateError) {
    // The sign of the opening tag was taken; the body starts after its end.
    let tag = position
    let body = rawBodyAfterSign(tag)
    line += source.bytes[tag..<body].count { $0 == 10 }
    isLineStart = source.bytes[body - 1] == 10
    position = body
    guard body < source.bytes.count else { return }
    var search = body
    while let open = source.firstRange(of: "{%", from: search) {
      search = open + 2
      position = open + 2
      let sign = takeSign()
      var index = skippingSpaces(position)
      guard source.bytes[index...].starts(with: "endraw".utf8) else { continue }
      index = skippingSpaces(index + 6)
      var closing: UInt8?
      if let sign = byte(index), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
        closing = sign
        index += 1
      }
      guard source.bytes[index...].starts(with: "%}".utf8) else { continue }
      data(from: body, to: open, sign: sign, isVariable: false)
      line += source.bytes[open..<index].count { $0 == 10 }
      position = index + 2
      finish(closing, dropsLineEnd: true)
      return
    }
    throw TemplateError(.syntax, "Missing end of raw directive", line: line)
  }

  private func rawBodyAfterSign(_ start: Int) -> Int {
    let index = skippingSpaces(skippingSpaces(start) + 3)
    return source.bytes[index] == UInt8(ascii: "-") ? skippingSpaces(index + 3) : index + 2
  }

  /// Reads the tokens of an expression or a statement.
  private mutating func code(
    _ begin: Token.Kind, _ end: Token.Kind, _ closing: StaticString
  ) throws(TemplateError) {
    add(begin)
    let isBlock = end == .blockEnd
    while position < source.bytes.count {
      if brackets.isEmpty, takeEnd(Text(stringLiteral: closing), isBlock: isBlock, end) { return }
      try token()
    }
  }

  private mutating func takeEnd(_ closing: Text, isBlock: Bool, _ end: Token.Kind) -> Bool {
    var index = position
    var sign: UInt8?
    if source.bytes[index] == UInt8(ascii: "-") || (isBlock && source.bytes[index] == UInt8(ascii: "+")) {
      sign = source.bytes[index]
      index += 1
    }
    guard source.bytes[index...].starts(with: closing.bytes) else { return false }
    add(end)
    position = index + 2
    finish(sign, dropsLineEnd: isBlock)
    return true
  }

  private mutating func token() throws(TemplateError) {
    let (scalar, width) = source.decoded(at: position)
    if scalar.isPythonSpace {
      if scalar == "\n" { line += 1 }
      position += width
      return
    }
    switch scalar {
    case "0"..."9": try number()
    case "'", "\"": try string(source.bytes[position])
    default:
      if Self.isNamePart(scalar) { try name() } else { try symbol(scalar) }
    }
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_": true
    default: scalar.value >= 0x80 && (scalar.properties.isXIDContinue || scalar.isPythonAlphanumeric)
    }
  }

  private mutating func name() throws(TemplateError) {
    let start = position
    let first = source.decoded(at: start).scalar
    while position < source.bytes.count {
      let (scalar, width) = source.decoded(at: position)
      guard Self.isNamePart(scalar) else { break }
      position += width
    }
    guard first == "_" || first.properties.isXIDStart else {
      throw TemplateError(.syntax, "Invalid character in identifier", line: line)
    }
    add(.name(String(decoding: source.bytes[start..<position], as: UTF8.self)))
  }

  private mutating func symbol(_ scalar: Unicode.Scalar) throws(TemplateError) {
    guard let symbol = Token.Symbol.allCases.first(where: { source.bytes[position...].starts(with: $0.rawValue.utf8) })
    else {
      throw TemplateError(
        .syntax, "unexpected char '\(Character(scalar))' at \(Text(source.bytes[..<position]).count)", line: line)
    }
    let byte = source.bytes[position]
    switch symbol {
    case .openBrace: brackets.append(UInt8(ascii: "}"))
    case .openParenthesis: brackets.append(UInt8(ascii: ")"))
    case .openBracket: brackets.append(UInt8(ascii: "]"))
    case .closeBrace, .closeParenthesis, .closeBracket:
      guard let expected = brackets.popLast() else {
        throw TemplateError(.syntax, "unexpected '\(symbol.rawValue)'", line: line)
      }
      guard expected == byte else {
        let name = Character(Unicode.Scalar(expected))
        throw TemplateError(.syntax, "unexpected '\(symbol.rawValue)', expected '\(name)'", line: line)
      }
    default: break
    }
    add(.symbol(symbol))
    position += symbol.rawValue.utf8.count
  }

  private mutating func number() throws(TemplateError) {
    var scanner = NumberScanner(source.bytes, position)
    let kind = try scanner.scan(line)
    add(kind)
    position = scanner.end
  }

  private mutating func string(_ quote: UInt8) throws(TemplateError) {
    var index = position + 1
    while let byte = byte(index), byte != quote {
      index += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    guard byte(index) == quote else {
      let place = Text(source.bytes[..<position]).count
      throw TemplateError(
        .syntax, "unexpected char \(quote == 39 ? "\"'\"" : "'\"'") at \(place)", line: line)
    }
    let raw = source.bytes[position + 1..<index]
    add(.string(try EscapedString.text(raw, line: line)))
    line += raw.count { $0 == 10 }
    position = index + 1
  }
}

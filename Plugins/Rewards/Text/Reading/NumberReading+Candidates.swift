// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension NumberReading {
  /// Functions whose argument is not the value.
  private static let functions: Set<String> = [
    "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "lg", "exp", "arcsin", "arccos", "arctan", "gcd", "lcm",
    "binom", "vec", "overline",
    "begin", "end", "hspace", "vspace", "tag", "label",
  ]

  /// The numbers of a text, and expressions that are none, in order, in time linear in its length.
  static func candidates(in text: ArraySlice<UInt8>, isFormula: Bool) -> [Candidate] {
    var found: [Candidate] = []
    var position = text.startIndex
    var isArgument = false
    while position < text.endIndex {
      let byte = text[position]
      if byte.isLetter {
        let end = endOfName(in: text, from: position)
        let name = text[position..<end].text
        isArgument = functions.contains(name)
        position = end
        continue
      }
      if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "^") {
        position = endOfScript(in: text, from: position + 1)
        continue
      }
      if begins(in: text, at: position) || isFormula && byte == UInt8(ascii: "|") {
        var scanner = NumberScanner(text, at: position, isFormula: isFormula)
        if let next = scanner.next(), scanner.position > position {
          var value: Value?
          if case .value(let number, let isPercentage) = next {
            value = Value(number: number, isPercentage: isPercentage)
          }
          if isArgument || isBound(in: text, at: position, isFormula) { value = nil }
          found.append(Candidate(value: value, range: position..<scanner.position))
          position = scanner.position
          isArgument = false
          continue
        }
      }
      if byte == UInt8(ascii: "\\") {
        let name = text[(position + 1)...].prefix { $0.isLetter }
        isArgument = functions.contains(name.text)
        position += 1 + max(1, name.count)
        if position > text.endIndex { position = text.endIndex }
        continue
      }
      if byte.isDigit {
        // So many digits that no number holds them, or digits of a word.
        while position < text.endIndex, text[position].isDigit || text[position].isLetter { position += 1 }
        continue
      }
      if !byte.isSpace, byte != UInt8(ascii: "("), byte != UInt8(ascii: "{") { isArgument = false }
      position += 1
    }
    return found
  }

  /// Whether a number may begin here.
  private static func begins(in text: ArraySlice<UInt8>, at position: Int) -> Bool {
    let byte = text[position]
    let before = position > text.startIndex ? text[position - 1] : 0x20
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "("): return !before.isDigit && !before.isLetter
    case UInt8(ascii: "."):
      return !before.isDigit && !before.isLetter && position + 1 < text.endIndex && text[position + 1].isDigit
    case UInt8(ascii: "-"), UInt8(ascii: "+"): return !before.isDigit && !before.isLetter && before != byte
    case UInt8(ascii: "\\"):
      return ["\\frac", "\\dfrac", "\\tfrac", "\\cfrac", "\\sqrt", "\\pi", "\\left(", "\\$"].contains {
        text.holds($0, at: position)
      }
    case UInt8(ascii: "$"): return !text.holds("$", at: position + 1)
    case UInt8(ascii: "{"): return true
    default: return text.holds("√", at: position) || text.holds("π", at: position) && !before.isLetter
    }
  }

  /// Where a name ends, its indices and exponents included: `x2`, `x_{12}`, `a^2`, `COVID-19`.
  private static func endOfName(in text: ArraySlice<UInt8>, from start: Int) -> Int {
    var position = start
    while position < text.endIndex {
      let byte = text[position]
      if byte.isLetter || byte.isDigit {
        position += 1
      } else if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "^") {
        let end = endOfScript(in: text, from: position + 1)
        if end == position + 1 { return end }
        position = end
      } else if byte == UInt8(ascii: "-"), position + 1 < text.endIndex, text[position + 1].isDigit,
        position - start > 1
      {
        position += 1
      } else {
        break
      }
    }
    return position
  }

  private static func endOfScript(in text: ArraySlice<UInt8>, from start: Int) -> Int {
    guard start < text.endIndex else { return start }
    if text[start] == UInt8(ascii: "{") {
      var depth = 0
      for position in start..<min(text.endIndex, start + 200) {
        if text[position] == UInt8(ascii: "{") { depth += 1 }
        if text[position] == UInt8(ascii: "}") { depth -= 1 }
        if depth == 0 { return position + 1 }
      }
      return start
    }
    var position = start
    while position < text.endIndex, text[position].isDigit { position += 1 }
    return position
  }

  /// Whether a sign of comparison stands before a place, so that what follows is a bound: `x > 3`.
  private static func isBound(in text: ArraySlice<UInt8>, at position: Int, _ isFormula: Bool) -> Bool {
    var before = text[..<position]
    while let last = before.last, last == 0x20 || last == UInt8(ascii: "$") { before = before.dropLast() }
    if before.last == UInt8(ascii: ">") {
      // The end of a tag, or the mark of a quotation.
      let isTag = before.suffix(24).lastIndex(of: UInt8(ascii: "<")).map { !before[$0...].contains(0x20) } ?? false
      let opens = before.count == 1 || before.dropLast().last == 0x0A
      return isFormula || !isTag && !opens
    }
    if before.last == UInt8(ascii: "<") { return true }
    return ["≤", "≥", "≠"].contains { before.suffix(3).elementsEqual($0.utf8) }
      || ["\\le", "\\ge", "\\lt", "\\gt", "\\leq", "\\geq", "\\neq", "\\ne"].contains {
        before.suffix($0.utf8.count).elementsEqual($0.utf8)
      }
  }
}

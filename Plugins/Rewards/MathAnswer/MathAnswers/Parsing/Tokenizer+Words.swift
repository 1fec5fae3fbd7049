// SPDX-License-Identifier: Apache-2.0

extension Tokenizer {
  /// A run of letters: a function, a unit, a word, or variables side by side.
  mutating func readWord() {
    let start = position
    while position < bytes.count, bytes[position].isLetter { position += 1 }
    if readCompound(from: start) { return }
    let run = bytes[start..<position]
    if run.count == 1 { return readLetter(run[start]) }
    let lowercased = run.map(\.lowercased)
    let isAllCapital = run.allSatisfy(\.isCapital)
    let touchesNumber = !followsSpace && textDepth == 0 && endsOperand
    // `5th`
    if case .number = tokens.last?.token, !followsSpace, Self.ordinals.contains(where: lowercased.elementsEqual) {
      return emit(.unit(Unit(kind: .nothing)))
    }
    if endsValue, let factor = Self.scales.first(where: { lowercased.elementsEqual($0.0) }) {
      // A group multiplies without a sign: `3\text{ million}`.
      if endsCount { emit(.times) }
      return emit(.number(Decimal(factor.1)))
    }
    if isAllCapital, endsCount, let unit = UnitTable.unit(named: lowercased[...]), unit.isCurrency {
      return emit(.unit(unit))
    }
    if !isAllCapital || textDepth > 0 {
      if let token = Vocabulary.word(lowercased[...]) {
        // `min` is a unit after a number.
        if endsValue, let unit = UnitTable.unit(named: lowercased[...]), !isCalled {
          return emit(.unit(unit))
        }
        // `14\text{ times}`
        if case .times = token, endsValue, byte(at: skippingSpace(from: position)) == UInt8(ascii: "}") {
          return emit(.unit(.word(lowercased)))
        }
        if case .word = token {
          if endsValue, textDepth > 0 { return emit(.unit(.word(lowercased))) }
          // `at^2`, `by + ax`: a word only where it stands among words.
          if !standsAlone(start) {
            for letter in run { emit(.symbol(Symbol(letter))) }
            return
          }
          if endsCount, Self.counting.contains(where: lowercased.elementsEqual) {
            return emit(.unit(.word(lowercased)))
          }
        }
        return emit(token)
      }
      if endsValue, !(unitsAreVariables && textDepth == 0 && run.count < 4),
        let unit = UnitTable.unit(named: lowercased[...])
      {
        return emit(.unit(unit))
      }
    }
    if textDepth > 0 || (run.count > 3 && !isAllCapital && !touchesNumber) {
      if textDepth == 0, let (token, length) = Vocabulary.functionPrefix(of: run), run.count <= length + 2 {
        return readGlued(token, run.dropFirst(length))
      }
      // After a variable it goes on as a sentence: `I choose B`.
      if case .symbol = tokens.last?.token, textDepth == 0 { return emit(.word(lowercased)) }
      return emit(endsValue ? .unit(.word(lowercased)) : .word(lowercased))
    }
    if isAllCapital { return emit(.symbol(Symbol(run))) }
    if let (token, length) = Vocabulary.functionPrefix(of: run) { return readGlued(token, run.dropFirst(length)) }
    for letter in run { emit(.symbol(Symbol(letter))) }
  }

  /// Whether a short word of sentences is one here: in `\text{…}`, or with space or an end of the answer on both sides
  /// and no sign of arithmetic behind it.
  private func standsAlone(_ start: Int) -> Bool {
    if textDepth > 0 { return true }
    if bytes.count == position - start { return !unitsAreVariables }
    if start > 0, !bytes[start - 1].isSpace, !"(,;:$".utf8.contains(bytes[start - 1]) { return false }
    var before = start - 1
    while before >= 0, bytes[before].isSpace { before -= 1 }
    if before >= 0, "+-*/=^_<>{|".utf8.contains(bytes[before]) { return false }
    let after = skippingSpace(from: position)
    if after < bytes.count, "+-*/=^_<>}|".utf8.contains(bytes[after]) { return false }
    if bytes[position...].starts(with: "\\".utf8) { return false }
    // Beside another word, or between two things: `x is 5`, `5 or so`, and not `3 at`.
    if before < 0 { return after < bytes.count && bytes[after].isLetter }
    return after > position && after < bytes.count || bytes[before].isLetter && before > 0 && bytes[before - 1].isLetter
  }

  /// `9 (apples)`, `12 (square feet)`: what is counted; false where the parenthesis at hand holds anything else.
  mutating func readWordsInParentheses() -> Bool {
    switch tokens.last?.token {
    case .number, .close(UInt8(ascii: "{")): break
    case .open(UInt8(ascii: "{")) where textDepth > 0 && endsValue: break
    default: return false
    }
    guard let end = bytes[position...].prefix(64).firstIndex(of: UInt8(ascii: ")")),
      bytes[position..<end].allSatisfy({ $0.isLetter || $0.isSpace || "-'./".utf8.contains($0) })
    else { return false }
    let words = bytes[position..<end].split { !$0.isLetter && $0 != UInt8(ascii: "-") }
    let tokens = words.map { word in
      let name = word.map(\.lowercased)[...]
      return UnitTable.unit(named: name).map(Token.unit) ?? Vocabulary.word(name) ?? letterUnit(word).map(Token.unit)
    }
    // A name of several letters, and no function of letters that are variables: `3 (\sin x)`, `5 (ab)`.
    let areWords = zip(words, tokens).contains { word, token in
      switch token {
      case .unit: word.count > 1 || words.count == 1 && followsSpace
      case .times: true
      case nil: word.split(separator: UInt8(ascii: "-")).contains { $0.count > 3 }
      default: false
      }
    }
    guard areWords, !tokens.contains(where: { if case .function = $0 { true } else { false } }) else { return false }
    for (word, token) in zip(words, tokens) {
      if word.startIndex > position, bytes[word.startIndex - 1] == UInt8(ascii: "/") { emit(.divide) }
      switch token {
      case .unit, .unitPower, .per: emit(token ?? .per)
      default: emit(.unit(.word(word.map(\.lowercased))))
      }
    }
    position = end + 1
    return true
  }

  /// The unit that a single letter is: `10 (g)`.
  private func letterUnit(_ word: ArraySlice<UInt8>) -> Unit? {
    word.count == 1 ? word.first.flatMap(UnitTable.unit(letter:)) : nil
  }

  /// `288 t-shirts`: words with hyphens between them behind a number, one of at least four letters.
  private mutating func readCompound(from start: Int) -> Bool {
    guard byte(at: position) == UInt8(ascii: "-"), byte(at: position + 1).isLetter, endsCount, followsSpace else {
      return false
    }
    let word = bytes[start...].prefix { $0.isLetter || $0 == UInt8(ascii: "-") }
    let parts = word.split(separator: UInt8(ascii: "-"))
    guard parts.contains(where: { $0.count > 3 }),
      parts.allSatisfy({ Vocabulary.functionPrefix(of: $0) == nil && Vocabulary.word($0.map(\.lowercased)[...]) == nil }
      )
    else { return false }
    position = word.endIndex
    emit(.unit(.word(word.map(\.lowercased))))
    return true
  }

  /// What a word behind a number multiplies it by.
  private static let scales: [([UInt8], UInt64)] = [
    ("hundred", 100), ("thousand", 1000), ("million", 1_000_000), ("billion", 1_000_000_000),
    ("trillion", 1_000_000_000_000),
  ].map { (Array($0.0.utf8), $0.1) }

  /// Words of sentences that go on with what is counted: `11 pieces of candy`, `11 new books`.
  private static let counting = ["of", "in", "for", "on", "with", "from", "new", "old", "red", "dog", "cat"]
    .map { Array($0.utf8) }

  /// Whether the last token is a number, or what is counted.
  private var endsCount: Bool {
    switch tokens.last?.token {
    case .number, .unit: true
    default: false
    }
  }

  private static let ordinals = ["st", "nd", "rd", "th"].map { Array($0.utf8) }

  private mutating func readGlued(_ token: Token, _ rest: ArraySlice<UInt8>) {
    emit(token)
    for letter in rest { emit(.symbol(Symbol(letter))) }
  }

  private var isCalled: Bool { byte(at: skippingSpace(from: position)) == UInt8(ascii: "(") }

  /// Whether the last token ends a number, so that a unit may follow.
  var endsValue: Bool {
    var index = tokens.count - 1
    // The brace of `\text{` itself.
    while index >= 0, case .open(UInt8(ascii: "{")) = tokens[index].token { index -= 1 }
    guard index >= 0 else { return false }
    switch tokens[index].token {
    case .number, .close, .unit, .unitPower, .per, .infinity: return true
    case .symbol(let symbol): return symbol == .pi || textDepth > 0 || followsSpace
    case .divide: return index > 0 && isUnit(at: index - 1)
    default: return false
    }
  }

  private func isUnit(at index: Int) -> Bool {
    switch tokens[index].token {
    case .unit: true
    case .close: index > 0 && isUnit(at: index - 1)
    default: false
    }
  }

  private mutating func readLetter(_ letter: UInt8) {
    // `5 x 10^3`
    if letter | 0x20 == UInt8(ascii: "x"), case .number = tokens.last?.token, followsSpace,
      ["10^", "10**"].contains(where: { bytes[skippingSpace(from: position)...].starts(with: $0.utf8) })
    {
      return emit(.times)
    }
    if !unitsAreVariables || textDepth > 0, let unit = UnitTable.unit(letter: letter) {
      if textDepth > 0, endsValue { return emit(.unit(unit)) }
      if case .divide = tokens.last?.token, endsValue { return emit(.unit(unit)) }
      // `5 m` and `5m²` in plain text; `5m` is five times a variable.
      if case .number = tokens.last?.token, isRaised || (followsSpace && skippingSpace(from: position) == bytes.count),
        letter == UInt8(ascii: "m") || followsSpace
      {
        return emit(.unit(unit))
      }
    }
    // `2 h 30 min`, `5 m 20 cm`
    if case .number = tokens.last?.token, beginsMixedUnits(letter), let unit = UnitTable.unit(letter: letter) {
      return emit(.unit(unit))
    }
    // The scale of a temperature, after its degree sign.
    if case .unit(let unit) = tokens.last?.token, unit.kind == .degree {
      if letter == UInt8(ascii: "C") || letter == UInt8(ascii: "F") {
        let name: StaticString = letter == UInt8(ascii: "C") ? "unit:celsius" : "unit:fahrenheit"
        tokens[tokens.count - 1].token = .unit(Unit(base: Symbol(name)))
        return
      }
    }
    emit(.symbol(Symbol(letter)))
  }

  /// Whether a number with a smaller unit follows a letter that is a unit.
  private func beginsMixedUnits(_ letter: UInt8) -> Bool {
    var end = skippingSpace(from: position)
    // `2 m and 30 cm`
    if holds("and ", at: end) { end = skippingSpace(from: end + 4) }
    guard followsSpace || letter == UInt8(ascii: "h"), byte(at: end).isDigit else { return false }
    while byte(at: end).isDigit { end += 1 }
    let word = bytes[skippingSpace(from: end)...].prefix(while: \.isLetter)
    return word.count > 1 && UnitTable.unit(named: word.map(\.lowercased)[...]) != nil
      || word.count == 1 && letter == UInt8(ascii: "h") && word.first == UInt8(ascii: "m")
  }

  /// Whether `²` or `³` follows, or `^2` or `^3` and then the end.
  private var isRaised: Bool {
    let rest = bytes[position...]
    if rest.elementsEqual("/s".utf8) || rest.elementsEqual("/h".utf8) { return true }
    if followsSpace, rest.first == UInt8(ascii: "/") { return true }
    if rest.starts(with: "²".utf8) || rest.starts(with: "³".utf8) { return true }
    return followsSpace && rest.count == 2 && rest.first == UInt8(ascii: "^")
  }
}

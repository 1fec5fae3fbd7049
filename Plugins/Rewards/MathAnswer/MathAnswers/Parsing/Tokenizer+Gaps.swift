// SPDX-License-Identifier: Apache-2.0

extension Tokenizer {
  /// What stands between two answers without a comma: `x=2 \quad y=3`, one answer a line.
  struct Gap {
    /// The index of the token that follows.
    let index: Int
    let kind: Kind

    enum Kind {
      /// `\quad`, `\\`
      case wide
      /// The end of a line.
      case line
    }
  }

  mutating func markGap(_ kind: Gap.Kind) {
    followsSpace = true
    if matrixDepth == 0, !tokens.isEmpty, gaps.last?.index != tokens.count {
      gaps.append(Gap(index: tokens.count, kind: kind))
    }
  }

  /// The tokens, with commas where space alone stands between two answers.
  func separated() -> [Lexeme] {
    let starts = starts()
    if gaps.isEmpty, starts.isEmpty { return tokens }
    var separators = Set(starts)
    let depths = self.depths()
    var partStart = 0
    for (number, gap) in gaps.enumerated() where gap.index < tokens.count && depths[gap.index] == 0 {
      let partEnd = number + 1 < gaps.count ? min(gaps[number + 1].index, tokens.count) : tokens.count
      guard tokens[gap.index - 1].token.endsAnswer, tokens[gap.index].token.startsAnswer else { continue }
      let (before, after) = (tokens[partStart..<gap.index], tokens[gap.index..<partEnd])
      let isOpen = if case .open(UInt8(ascii: "(")) = tokens[gap.index].token { true } else { false }
      let bothRelate = before.contains(where: \.token.isRelation) && after.contains(where: \.token.isRelation)
      let areNumbers = before.allSatisfy(\.token.isPartOfNumber) && after.allSatisfy(\.token.isPartOfNumber)
      if bothRelate || areNumbers || isOpen && tokens[gap.index - 1].token.closes || gap.kind == .wide && !isOpen {
        separators.insert(gap.index)
        partStart = gap.index
      }
    }
    if separators.isEmpty { return tokens }
    var result: [Lexeme] = []
    result.reserveCapacity(tokens.count + separators.count)
    for (index, lexeme) in tokens.enumerated() {
      if separators.contains(index) { result.append(Lexeme(token: .comma, followsSpace: true)) }
      result.append(lexeme)
    }
    return result
  }

  /// Where a further assignment begins with nothing but space before it: `x=5 y=3`.
  private func starts() -> [Int] {
    guard tokens.count > 5, assignmentEnd(at: 0) != nil else { return [] }
    var starts: [Int] = []
    for index in 3..<(tokens.count - 2) where tokens[index].followsSpace {
      switch tokens[index - 1].token {
      case .number, .close, .unit: break
      default: continue
      }
      if assignmentEnd(at: index) != nil { starts.append(index) }
    }
    guard let first = starts.first else { return [] }
    let depths = self.depths()
    return depths[first] == 0 ? starts.filter { depths[$0] == 0 } : []
  }

  /// The end of `x =` or `x_1 =` at an index.
  private func assignmentEnd(at start: Int) -> Int? {
    guard start + 1 < tokens.count, case .symbol = tokens[start].token else { return nil }
    var index = start + 1
    if case .underscore = tokens[index].token {
      guard index + 2 < tokens.count else { return nil }
      if case .open = tokens[index + 1].token { index += 4 } else { index += 2 }
    }
    guard index < tokens.count, case .relation(.equal) = tokens[index].token else { return nil }
    return index + 1
  }

  /// How many brackets are open before each token.
  private func depths() -> [Int] {
    var depth = 0
    return tokens.map { lexeme in
      defer {
        switch lexeme.token {
        case .open, .beginMatrix: depth += 1
        case .close, .endMatrix: depth -= 1
        default: break
        }
      }
      return depth
    }
  }
}

extension Token {
  /// Whether an answer may end with it.
  fileprivate var endsAnswer: Bool {
    switch self {
    case .number, .symbol, .close, .unit, .factorial, .infinity, .prime, .numberSet, .endMatrix, .word: true
    default: false
    }
  }

  /// Whether an answer may begin with it, and not only go on.
  fileprivate var startsAnswer: Bool {
    switch self {
    case .number, .symbol, .open, .function, .infinity, .fraction, .root, .binomial, .beginMatrix, .numberSet: true
    default: false
    }
  }

  fileprivate var isRelation: Bool { if case .relation = self { true } else { false } }

  fileprivate var isPartOfNumber: Bool {
    switch self {
    case .number, .minus, .fraction, .divide, .open(UInt8(ascii: "{")), .close(UInt8(ascii: "{")): true
    default: false
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

extension Tokenizer {
  /// A character beyond ASCII.
  ///
  /// - Throws: When it has no meaning in an answer.
  mutating func readUnicode() throws(ReadingFault) {
    let (scalar, length) = scalar(at: position)
    if let exponent = Self.superscripts[scalar] { return readScript(.power, exponent, Self.superscripts) }
    if let lowered = Self.subscripts[scalar] { return readScript(.underscore, lowered, Self.subscripts) }
    position += length
    if let parts = FractionCharacter.parts(of: scalar) {
      emit(.fraction)
      emit(.number(Decimal(parts.0)))
      emit(.number(Decimal(parts.1)))
    } else if let token = Self.tokens[scalar] {
      if case .plus = token, scalar == "\u{2009}" { followsSpace = true } else { emit(token) }
    } else if Self.spaces.contains(scalar) {
      followsSpace = true
    } else if (0x370..<0x400).contains(scalar.value) {
      emit(.symbol(Symbol(hash: Symbol.mixed(UInt64(scalar.value), 3))))
    } else if scalar.properties.isAlphabetic || scalar == "〇" {
      readForeignWord(from: position - length)
    } else {
      throw .notAnAnswer
    }
  }

  func scalar(at position: Int) -> (Unicode.Scalar, Int) {
    let lead = bytes[position]
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    guard lead >= 0xC2, position + length <= bytes.count else { return ("\u{FFFD}", 1) }
    var value = UInt32(lead & (0xFF >> UInt8(length + 1)))
    for index in position + 1..<position + length { value = value << 6 | UInt32(bytes[index] & 0x3F) }
    return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
  }

  /// A run of raised or lowered characters, as a group after `^` or `_`.
  private mutating func readScript(_ operation: Token, _ first: UInt8, _ table: [Unicode.Scalar: UInt8]) {
    var plain: [UInt8] = []
    while position < bytes.count, bytes[position] >= 0x80 {
      let (next, length) = scalar(at: position)
      guard let character = table[next] else { break }
      plain.append(character)
      position += length
    }
    emit(operation)
    emit(.open(UInt8(ascii: "{")))
    var digits: [UInt8] = []
    func flush(_ tokenizer: inout Tokenizer) {
      if digits.isEmpty { return }
      tokenizer.emit(.number(Decimal(digits: digits, fraction: 0, exponent: 0)))
      digits = []
    }
    for character in plain {
      if character.isDigit {
        digits.append(character - 0x30)
        continue
      }
      flush(&self)
      switch character {
      case UInt8(ascii: "-"): emit(.minus)
      case UInt8(ascii: "+"): emit(.plus)
      default: emit(.symbol(Symbol(character)))
      }
    }
    flush(&self)
    emit(.close(UInt8(ascii: "{")))
  }

  private static let superscripts: [Unicode.Scalar: UInt8] = script("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
  private static let subscripts: [Unicode.Scalar: UInt8] = script("₀₁₂₃₄₅₆₇₈₉ₙ", "0123456789n")

  private static func script(_ raised: String, _ plain: String) -> [Unicode.Scalar: UInt8] {
    Dictionary(uniqueKeysWithValues: zip(raised.unicodeScalars, plain.utf8))
  }

  private static let spaces: Set<Unicode.Scalar> = [
    "\u{A0}", "\u{2009}", "\u{200A}", "\u{202F}", "\u{2002}", "\u{2003}", "\u{200B}", "\u{2060}", "\u{FEFF}",
    "\u{3000}", "“", "”", "‘", "′", "\u{2061}", "。", "「", "」", "『", "』", "【", "】",
  ]

  private static let tokens: [Unicode.Scalar: Token] = {
    var table: [Unicode.Scalar: Token] = [
      "−": .minus, "–": .minus, "—": .minus, "‐": .minus, "‑": .minus, "－": .minus, "±": .plusMinus,
      "∓": .minusPlus, "×": .times, "·": .times, "⋅": .times, "∙": .times, "∗": .times, "÷": .divide, "∕": .divide,
      "⁄": .divide, "√": .root(takesDigit: false), "∞": .infinity, "≤": .relation(.lessOrEqual),
      "⩽": .relation(.lessOrEqual),
      "≥": .relation(.greaterOrEqual), "⩾": .relation(.greaterOrEqual), "≠": .relation(.notEqual),
      "≈": .relation(.approximately), "≡": .relation(.congruent), "∈": .relation(.element),
      "∉": .relation(.notElement), "→": .relation(.arrow), "⇒": .relation(.arrow), "∪": .union, "∩": .intersection,
      "∖": .setDifference, "∅": .numberSet(.empty), "ℝ": .numberSet(.reals), "ℤ": .numberSet(.integers),
      "ℕ": .numberSet(.naturals), "ℚ": .numberSet(.rationals), "ℂ": .numberSet(.complexes), "°": .unit(.degree),
      "℃": .unit(.celsius), "℉": .unit(.fahrenheit),
      "º": .unit(.degree), "€": .unit(.euro), "£": .unit(.pound), "¥": .unit(.yen), "￥": .unit(.yen), "₩": .unit(.won),
      "₹": .unit(.rupee),
      "，": .comma, "、": .comma, "；": .semicolon, "：": .colon, "（": .open(UInt8(ascii: "(")),
      "）": .close(UInt8(ascii: "(")),
      "［": .open(UInt8(ascii: "[")), "］": .close(UInt8(ascii: "[")), "＝": .relation(.equal), "％": .unit(.percent),
      "⟨": .open(UInt8(ascii: "<")), "⟩": .close(UInt8(ascii: "<")), "⌊": .open(UInt8(ascii: "f")),
      "⌋": .close(UInt8(ascii: "f")), "⌈": .open(UInt8(ascii: "c")), "⌉": .close(UInt8(ascii: "c")), "’": .prime,
      "…": .symbol(Symbol("dots")), "⋯": .symbol(Symbol("dots")), "＋": .plus, "｜": .bar, "∣": .bar, "∧": .conjunction,
      "∨": .disjunction, "¬": .minus,
      "π": .symbol(.pi), "𝜋": .symbol(.pi),
    ]
    let names: [(Unicode.Scalar, StaticString)] = [
      ("α", "alpha"), ("β", "beta"), ("γ", "gamma"), ("δ", "delta"), ("ε", "epsilon"), ("ϵ", "epsilon"),
      ("θ", "theta"), ("λ", "lambda"), ("μ", "mu"), ("µ", "mu"), ("ν", "nu"), ("ξ", "xi"), ("ρ", "rho"),
      ("σ", "sigma"), ("τ", "tau"), ("φ", "phi"), ("ϕ", "phi"), ("χ", "chi"), ("ψ", "psi"), ("ω", "omega"),
      ("Δ", "Delta"), ("Ω", "Omega"), ("Σ", "Sigma"), ("Φ", "Phi"), ("Θ", "Theta"), ("η", "eta"), ("κ", "kappa"),
    ]
    for (scalar, name) in names { table[scalar] = .symbol(Symbol(name)) }
    // Units that are one character.
    for (scalar, name) in [
      ("㎝", "cm"), ("㎜", "mm"), ("㎞", "km"), ("㎏", "kg"), ("㎎", "mg"), ("㎖", "ml"), ("ℓ", "liter"),
    ] as [(Unicode.Scalar, String)] {
      if let unit = UnitTable.unit(named: Array(name.utf8)[...]) { table[scalar] = .unit(unit) }
    }
    for (scalar, word) in [("㎡", "平方米"), ("㎥", "立方米"), ("㎠", "平方厘米"), ("㎢", "平方千米")] as [(Unicode.Scalar, String)] {
      if let unit = ForeignUnits.unit(named: word) { table[scalar] = .unit(unit) }
    }
    return table
  }()
}

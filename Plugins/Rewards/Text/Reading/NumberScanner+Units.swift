// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a number is counted in.
extension NumberScanner {
  /// What a word behind a number multiplies it by: `5 million`, `3万`; 1 for none.
  mutating func multiplier() -> Double {
    let start = position
    skipSpace()
    if position < text.endIndex, text[position] >= 0xE0 {
      let length = text.scalar(at: position).length
      if let factor = UnitNames.multiplier(text[position..<(position + length)]) {
        position += length
        return factor
      }
    } else if let word = unitWord(), let factor = UnitNames.multiplier(word.name) {
      position = word.end
      return factor
    }
    position = start
    return 1
  }

  /// Skips what a number is counted in, exponents included; says whether that is a percent sign.
  mutating func skipUnit() -> Bool {
    let end = position
    skipSpace()
    if skip(anyOf: ["%", "\\%"]) { return true }
    if text.holds(":", at: position), position + 1 < text.endIndex, text[position + 1].isDigit {
      isOpen = true  // `3:4`, `12:30`
      position += 1
      _ = sum()
      return false
    }
    let isAttached = position == end
    let leftFormula = text[end..<position].contains(UInt8(ascii: "$"))
    guard let word = unitWord() else {
      if text.holds("\\", at: position), isLetter(position + 1), !isHarmlessCommand() { isOpen = true }
      if !isOpen { position = end }
      return false
    }
    if ["或", "和", "与", "及", "至", "到"].contains(word.name.prefix(3).text) {
      position = end
      return false
    }
    if word.isText || UnitNames.contains(word.name) || word.name.first.map({ $0 >= 0x80 }) == true {
      position = word.end
      skipExponent()
      skipFurtherUnits()
      return word.name.elementsEqual("percent".utf8)
    }
    if isAttached {
      // `3rd`, `2D`, `5x`
      isOpen = word.name.count < 3
      position = word.end
    } else {
      if word.name.count == 1, !leftFormula, !["a", "A", "I"].contains(where: { word.name.elementsEqual($0.utf8) }),
        !text.holds(".", at: word.end)
      {
        isOpen = true
      }
      if !leftFormula, text.holds("^", at: word.end) || text.holds("_", at: word.end) { isOpen = true }
      position = isOpen ? word.end : end
    }
    return false
  }

  /// The word behind a number, from `\text{…}` too.
  private func unitWord() -> (name: ArraySlice<UInt8>, end: Int, isText: Bool)? {
    for command in ["\\text", "\\mathrm", "\\textrm", "\\mbox", "\\rm", "\\operatorname", "\\mathbf", "\\textbf"]
      as [StaticString]
    where text.holds(command, at: position) {
      let open = position + command.utf8CodeUnitCount
      guard text.holds("{", at: open), let close = text[open...].prefix(80).firstIndex(of: UInt8(ascii: "}")) else {
        continue
      }
      return (text[(open + 1)..<close].trimmed, close + 1, true)
    }
    let end = text[position...].firstIndex { !$0.isLetter && $0 < 0x80 } ?? text.endIndex
    return end > position ? (text[position..<end], end, false) : nil
  }

  private mutating func skipExponent() {
    if text.holds("^", at: position) {
      let start = position
      position += 1
      if text.holds("{", at: position) {
        if braced() == nil { position = start }
      } else if digit() == nil {
        position = start
      }
    } else if let (_, end) = superscript() {
      position = end
    }
  }

  /// Skips the rest of a unit of several: `m/s^2`, `N·m`.
  private mutating func skipFurtherUnits() {
    for _ in 0..<6 {
      let start = position
      guard skip(anyOf: ["/", "·", "\\cdot", "*", "⋅", "\\,"]), let word = unitWord(),
        word.isText || UnitNames.contains(word.name)
      else {
        position = start
        return
      }
      position = word.end
      skipExponent()
    }
  }

  /// Whether a command behind a number only sets apart, or compares.
  private func isHarmlessCommand() -> Bool {
    let name = text[(position + 1)...].prefix { $0.isLetter }.text
    return [
      "approx", "text", "mathrm", "right", "end", "leq", "geq", "le", "ge", "lt", "gt", "ne", "neq", "Rightarrow",
      "implies", "to", "quad",
      "qquad", "hline", "boxed", "and", "or", "cup", "cap", "sim", "simeq", "because", "therefore", "newline", "left",
      "degree", "circ",
    ].contains(name)
  }
}

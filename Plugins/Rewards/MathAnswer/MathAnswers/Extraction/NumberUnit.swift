// SPDX-License-Identifier: Apache-2.0

/// Finds the unit behind a number in a sentence: `5 km`, `60 miles per hour`, `25 cm^2`, `2,74 €`.
enum NumberUnit {
  /// Where the unit ends whose number ends at a position; nil where none follows.
  static func end(in text: ArraySlice<UInt8>, behind position: Int) -> Int? {
    var start = position
    while start < text.endIndex, start < position + 2, text[start] == 0x20 { start += 1 }
    for sign in ["$", "€", "£", "¥", "°C", "°F", "°", "℃", "²", "³"] as [StaticString] where text.holds(sign, at: start)
    {
      let end = start + sign.utf8CodeUnitCount
      // `5 $x$`
      return end < text.endIndex && (text[end].isLetter || text[end].isDigit) ? nil : end
    }
    guard var end = endOfWord(in: text, at: start, isAttached: start == position) else { return nil }
    // `m/s`, `miles per hour`
    while true {
      var next = end
      if text.holds("/", at: end) {
        next = end + 1
      } else if text.holds(" per ", at: end) {
        next = end + 5
      } else {
        return end
      }
      guard let further = endOfWord(in: text, at: next, isAttached: true) else { return end }
      end = further
    }
  }

  /// The end of a word that is a unit, with `square` before it and a power behind it.
  private static func endOfWord(in text: ArraySlice<UInt8>, at start: Int, isAttached: Bool) -> Int? {
    let word = text[start...].prefix { $0.isLetter }
    guard !word.isEmpty, word.endIndex == text.endIndex || text[word.endIndex] < 0x80 || isPower(text, word.endIndex)
    else { return nil }
    let name = word.map(\.lowercased)
    if ["square", "sq", "cubic", "cu"].contains(where: { name.elementsEqual($0.utf8) }) {
      return text.holds(" ", at: word.endIndex)
        ? endOfWord(in: text, at: word.endIndex + 1, isAttached: isAttached) : nil
    }
    let unit = word.count == 1 ? UnitTable.unit(letter: word[start]) : UnitTable.unit(named: name[...])
    guard let unit, unit.kind != .word else { return nil }
    // `in` is an inch right behind a number or at the end alone.
    if name.elementsEqual("in".utf8), !isAttached, !endsSentence(text, word.endIndex) { return nil }
    var end = word.endIndex
    if text.holds("^", at: end), end + 1 < text.endIndex, text[end + 1].isDigit { end += 2 }
    if isPower(text, end) { end += 2 }
    return end
  }

  private static func isPower(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    text.holds("²", at: position) || text.holds("³", at: position)
  }

  private static func endsSentence(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    position == text.endIndex || ".,;)\n".utf8.contains(text[position])
  }
}

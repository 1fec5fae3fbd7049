// SPDX-License-Identifier: Apache-2.0

/// A number with points between groups of three digits and a comma before decimals: `12.000,50`, `1.234.567`.
package struct PointGroups {
  /// The digits, as values from 0 to 9, those behind the comma at the end.
  package let digits: [UInt8]
  /// How many of the digits stand behind the comma.
  package let places: Int
  /// Where the number ends.
  package let end: Int

  /// The number that begins at a position; nil where it can be meant in another way: `1.234`, `1.234,567`.
  package init?(_ text: ArraySlice<UInt8>, at start: Int) {
    func isDigit(_ index: Int) -> Bool { index < text.endIndex && text[index].isDigit }
    func run(from index: Int) -> Int {
      var end = index
      while isDigit(end) { end += 1 }
      return end
    }
    var position = run(from: start)
    guard (1...3).contains(position - start), text[start] != UInt8(ascii: "0") else { return nil }
    var digits = text[start..<position].map { $0 - 0x30 }
    var groups = 0
    while text.holds(".", at: position), isDigit(position + 1) {
      let end = run(from: position + 1)
      guard end - position == 4 else { return nil }
      digits += text[(position + 1)..<end].map { $0 - 0x30 }
      position = end
      groups += 1
    }
    guard groups > 0 else { return nil }
    var places = 0
    if text.holds(",", at: position), isDigit(position + 1) {
      let end = run(from: position + 1)
      places = end - position - 1
      guard places != 3 || groups > 1, !((text.holds(",", at: end) || text.holds(".", at: end)) && isDigit(end + 1))
      else { return nil }
      digits += text[(position + 1)..<end].map { $0 - 0x30 }
      position = end
    } else if groups == 1 {
      return nil
    }
    self.digits = digits
    self.places = places
    end = position
  }
}

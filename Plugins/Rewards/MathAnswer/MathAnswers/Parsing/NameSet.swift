// SPDX-License-Identifier: Apache-2.0

/// Letters, small and capital.
struct NameSet: OptionSet {
  let rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The set of one letter; empty for any other byte.
  init(_ letter: UInt8) {
    guard letter.isLetter else {
      rawValue = 0
      return
    }
    rawValue = 1 << UInt64(letter - UInt8(ascii: "A"))
  }

  /// The letters that an answer only ever has right before an argument in parentheses: `v(t)`, `I(0)`, `P(A)`.
  ///
  /// An argument is one number or one name; `x(x + 1)` is a product.
  static func applied(in bytes: [UInt8]) -> NameSet {
    guard bytes.contains(UInt8(ascii: "(")) else { return [] }
    var (applied, bare): (NameSet, NameSet) = ([], [])
    var position = 0
    while position < bytes.count {
      guard bytes[position].isLetter else {
        position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        continue
      }
      // A command's name and the words around are no variables.
      let isCommand =
        position > 1 && bytes[position - 2] == UInt8(ascii: "\\")
        || position > 0 && bytes[position - 1] == UInt8(ascii: "\\")
      var end = position + 1
      while end < bytes.count, bytes[end].isLetter { end += 1 }
      defer { position = end }
      if isCommand || end - position > 3 { continue }
      for letter in bytes[position..<(end - 1)] { bare.insert(NameSet(letter)) }
      if isApplied(bytes, end) { applied.insert(NameSet(bytes[end - 1])) } else { bare.insert(NameSet(bytes[end - 1])) }
    }
    // The argument itself is bare: `P(A)`, but `f(f(x))` has no letter that is both.
    return applied.subtracting(bare)
  }

  private static func isApplied(_ bytes: [UInt8], _ start: Int) -> Bool {
    var position = start
    while position < bytes.count, bytes[position].isSpace { position += 1 }
    if bytes[position...].starts(with: "\\left".utf8) { position += 5 }
    guard position < bytes.count, bytes[position] == UInt8(ascii: "(") else { return false }
    let inside = bytes[(position + 1)...].prefix { $0 != UInt8(ascii: ")") }.trimmed
    return !inside.isEmpty && inside.count < 12
      && (inside.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
        || inside.count == 1 && inside.first?.isLetter == true)
  }
}

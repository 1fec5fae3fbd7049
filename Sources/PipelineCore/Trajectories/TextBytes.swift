// SPDX-License-Identifier: Apache-2.0

/// Tests on the UTF-8 bytes of a text, for rewards; only ASCII letters, digits and spaces count.
extension UInt8 {
  /// Space, tab, line ends and the four separators: `\s` of Python's `re`.
  @inlinable package var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) || (0x1C...0x1F).contains(self) }

  /// A capital letter.
  @inlinable package var isCapital: Bool { (0x41...0x5A).contains(self) }

  /// A letter.
  @inlinable package var isLetter: Bool { isCapital || (0x61...0x7A).contains(self) }

  /// A digit.
  @inlinable package var isDigit: Bool { (0x30...0x39).contains(self) }

  /// The lower-case form of a letter; any other byte as it is.
  @inlinable package var lowercased: UInt8 { isCapital ? self + 0x20 : self }
}

/// Searches that are linear in the length of the text for short literals.
extension ArraySlice<UInt8> {
  /// Whether the literal is at a position.
  @inlinable
  package func holds(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset] != literal.utf8Start[offset] { return false }
    return true
  }

  /// The last position of the literal.
  @inlinable
  package func last(_ literal: StaticString) -> Int? {
    var position = endIndex - literal.utf8CodeUnitCount
    while position >= startIndex {
      if holds(literal, at: position) { return position }
      position -= 1
    }
    return nil
  }

  /// The slice without spaces at both ends.
  @inlinable package var trimmed: ArraySlice<UInt8> {
    var slice = self
    while let byte = slice.first, byte.isSpace { slice.removeFirst() }
    while let byte = slice.last, byte.isSpace { slice.removeLast() }
    return slice
  }
}

extension [UInt8] {
  /// Appends the UTF-8 of a text as one piece of memory: its view goes byte by byte.
  package mutating func append(text: String) {
    var text = text
    text.withUTF8 { append(contentsOf: $0) }
  }
}

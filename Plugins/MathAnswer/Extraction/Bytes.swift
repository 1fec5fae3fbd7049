// SPDX-License-Identifier: Apache-2.0

extension UInt8 {
  /// Space, tab and the line ends of ASCII.
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }

  /// A letter of ASCII.
  var isLetter: Bool { isCapital || (0x61...0x7A).contains(self) }

  /// A capital letter of ASCII.
  var isCapital: Bool { (0x41...0x5A).contains(self) }

  /// A digit of ASCII.
  var isDigit: Bool { (0x30...0x39).contains(self) }

  /// The lower-case form of an ASCII letter; any other byte as it is.
  var lowercased: UInt8 { isCapital ? self + 0x20 : self }
}

extension ArraySlice<UInt8> {
  /// Whether the literal stands at a position.
  func holds(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset] != literal.utf8Start[offset] { return false }
    return true
  }

  /// Whether the literal, in lower case, stands at a position in any case.
  func holdsWord(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset].lowercased != literal.utf8Start[offset] { return false }
    return true
  }

  /// The last position at which the literal stands.
  func last(_ literal: StaticString) -> Int? {
    var position = endIndex - literal.utf8CodeUnitCount
    while position >= startIndex {
      if holds(literal, at: position) { return position }
      position -= 1
    }
    return nil
  }

  /// Whether it ends with the literal.
  func ends(with literal: StaticString) -> Bool {
    count >= literal.utf8CodeUnitCount && holds(literal, at: endIndex - literal.utf8CodeUnitCount)
  }

  /// The slice without ASCII space at both ends.
  var trimmed: ArraySlice<UInt8> {
    var slice = self
    while let byte = slice.first, byte.isSpace { slice = slice.dropFirst() }
    while let byte = slice.last, byte.isSpace { slice = slice.dropLast() }
    return slice
  }
}

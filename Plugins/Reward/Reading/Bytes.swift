// SPDX-License-Identifier: Apache-2.0

/// Searches in UTF-8 bytes; every function is linear in the length of the text for the short literals used here.
extension ArraySlice<UInt8> {
  /// Whether the literal stands at a position.
  func holds(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset] != literal.utf8Start[offset] { return false }
    return true
  }

  /// The first position, from `start` on, at which the literal stands.
  func first(_ literal: StaticString, from start: Int) -> Int? {
    var position = start
    while position <= endIndex - literal.utf8CodeUnitCount {
      if holds(literal, at: position) { return position }
      position += 1
    }
    return nil
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

  /// The first position, from `start` on, that holds no ASCII space.
  func skippingSpace(from start: Int) -> Int {
    var position = start
    while position < endIndex, self[position].isSpace { position += 1 }
    return position
  }

  /// The slice without ASCII space at both ends.
  var trimmed: ArraySlice<UInt8> {
    var slice = self
    while let byte = slice.first, byte.isSpace { slice.removeFirst() }
    while let byte = slice.last, byte.isSpace { slice.removeLast() }
    return slice
  }

  /// The text.
  var text: String { String(decoding: self, as: UTF8.self) }
}

extension UInt8 {
  /// Space, tab and the line ends of ASCII, as `\s` knows them.
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) || (0x1C...0x1F).contains(self) }

  /// A letter of ASCII.
  var isLetter: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }

  /// A letter, a digit, or part of a character beyond ASCII: what words are made of.
  var isWord: Bool { isLetter || isDigit || self >= 0x80 }

  /// A digit of ASCII.
  var isDigit: Bool { (0x30...0x39).contains(self) }

  /// The upper-case form of an ASCII letter; any other byte as it is.
  var uppercased: UInt8 { (0x61...0x7A).contains(self) ? self - 0x20 : self }
}

// SPDX-License-Identifier: Apache-2.0

/// What answers ask of a text's bytes in UTF-8; only ASCII has letters, digits and space here.
extension UInt8 {
  var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) || (0x1C...0x1F).contains(self) }
  var isCapital: Bool { (0x41...0x5A).contains(self) }
  var isLetter: Bool { isCapital || (0x61...0x7A).contains(self) }
  var isDigit: Bool { (0x30...0x39).contains(self) }
  /// The lower-case form of a letter; any other byte as it is.
  var lowercased: UInt8 { isCapital ? self + 0x20 : self }
}

extension [UInt8] {
  /// Whether it ends with the literal.
  func ends(with literal: StaticString) -> Bool { self[...].ends(with: literal) }
}

extension ArraySlice<UInt8> {
  /// Whether the literal stands at a position.
  func holds(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset] != literal.utf8Start[offset] { return false }
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

  /// The slice without space at both ends.
  var trimmed: ArraySlice<UInt8> {
    var slice = self
    while let byte = slice.first, byte.isSpace { slice.removeFirst() }
    while let byte = slice.last, byte.isSpace { slice.removeLast() }
    return slice
  }

  /// Whether the literal, in lower case, stands at a position in any case.
  func holdsWord(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset].lowercased != literal.utf8Start[offset] { return false }
    return true
  }

  /// Whether it ends with the literal.
  func ends(with literal: StaticString) -> Bool {
    count >= literal.utf8CodeUnitCount && holds(literal, at: endIndex - literal.utf8CodeUnitCount)
  }

  /// The slice without a full stop, emphasis and space at its end.
  var withoutStop: ArraySlice<UInt8> {
    var rest = self
    while let byte = rest.last {
      if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*") || byte.isSpace {
        rest.removeLast()
      } else if rest.ends(with: "。") {
        rest.removeLast(3)
      } else {
        break
      }
    }
    return rest
  }
}

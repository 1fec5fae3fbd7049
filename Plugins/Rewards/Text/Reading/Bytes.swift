// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ArraySlice<UInt8> {
  /// The first position, from `start` on, at which the literal stands.
  func first(_ literal: StaticString, from start: Int) -> Int? {
    var position = start
    while position <= endIndex - literal.utf8CodeUnitCount {
      if holds(literal, at: position) { return position }
      position += 1
    }
    return nil
  }

  /// The first position, from `start` on, that holds no ASCII space.
  func skippingSpace(from start: Int) -> Int {
    var position = start
    while position < endIndex, self[position].isSpace { position += 1 }
    return position
  }

  /// The text.
  var text: String { String(decoding: self, as: UTF8.self) }
}

extension UInt8 {
  /// A letter, a digit, or part of a character beyond ASCII: what words are made of.
  var isWord: Bool { isLetter || isDigit || self >= 0x80 }

  /// The upper-case form of an ASCII letter; any other byte as it is.
  var uppercased: UInt8 { (0x61...0x7A).contains(self) ? self - 0x20 : self }
}

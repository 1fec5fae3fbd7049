// SPDX-License-Identifier: Apache-2.0

/// The kind of a scalar for the tokenizer, from a table over all of Unicode (1.1 MB, made at first use).
final class CharacterKinds: @unchecked Sendable {
  static let letter: UInt8 = 1
  static let number: UInt8 = 2
  static let space: UInt8 = 4
  /// NFC changes it, moves it, or joins it with the scalar before it.
  static let composing: UInt8 = 8
  /// A number for the step `Digits`.
  static let digit: UInt8 = 16
  /// A letter, a number or white space; any other scalar is "other" for the pre-tokenizer.
  static let named = letter | number | space

  static let shared = CharacterKinds()

  /// The kinds of all scalars, by value; immutable.
  let table: UnsafePointer<UInt8>

  private init() {
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 0x11_0000)
    table.initialize(repeating: 0, count: 0x11_0000)
    func mark(_ ranges: [UInt32], _ kind: UInt8) {
      for index in stride(from: 0, to: ranges.count, by: 2) {
        for scalar in ranges[index]...ranges[index + 1] { table[Int(scalar)] |= kind }
      }
    }
    mark(CharacterRanges.letters, Self.letter)
    mark(CharacterRanges.numbers, Self.number)
    mark(CharacterRanges.digits, Self.digit)
    mark(CharacterRanges.spaces, Self.space)
    mark(CharacterRanges.composing, Self.composing)
    self.table = UnsafePointer(table)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The scalar at a position of valid UTF-8, and its length in bytes.
  @inline(__always)
  func scalar(at position: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(self[position])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(self[position + 1]) & 0x3F
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
    let third = UInt32(self[position + 2]) & 0x3F
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
    return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(self[position + 3]) & 0x3F, 4)
  }
}

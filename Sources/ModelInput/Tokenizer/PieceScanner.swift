// SPDX-License-Identifier: Apache-2.0

/// Divides text into the pieces within which byte pairs are merged, like Qwen2's regular expression.
///
/// The pieces are those of repeatedly matching
/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
/// Every byte belongs to one piece. Linear in the length of the text.
struct PieceScanner {
  /// The pattern that this scanner implements, as written in files.
  static let pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  private let utf8: UnsafeBufferPointer<UInt8>
  private let kinds = CharacterKinds.shared.table
  private var position = 0

  /// Scans valid UTF-8.
  init(_ utf8: UnsafeBufferPointer<UInt8>) { self.utf8 = utf8 }

  /// The next piece as a range of bytes, or nil at the end.
  mutating func next() -> Range<Int>? {
    guard position < utf8.count else { return nil }
    let start = position
    position = end(ofPieceAt: start)
    return start..<position
  }

  private func end(ofPieceAt start: Int) -> Int {
    let (kind, length) = kind(at: start)
    let second = start + length
    if kind & CharacterKinds.letter != 0 { return end(ofLettersAt: second) }
    if kind & CharacterKinds.number != 0 { return second }
    let first = utf8[start]
    if first == UInt8(ascii: "'"), let end = end(ofContractionAt: start) { return end }
    let next = second < utf8.count ? self.kind(at: second) : (0, 0)
    if next.0 & CharacterKinds.letter != 0, !isLineEnd(first) { return end(ofLettersAt: second + next.1) }
    if kind & CharacterKinds.space == 0 { return end(ofOthersAt: second) }
    if first == 0x20, next.1 > 0, next.0 & CharacterKinds.named == 0 { return end(ofOthersAt: second + next.1) }
    return end(ofSpaceAt: start)
  }

  @inline(__always)
  private func kind(at position: Int) -> (UInt8, Int) {
    let (value, length) = utf8.scalar(at: position)
    return (kinds[Int(value)], length)
  }

  @inline(__always)
  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  private func end(ofLettersAt start: Int) -> Int {
    var end = start
    while end < utf8.count {
      let (kind, length) = kind(at: end)
      if kind & CharacterKinds.letter == 0 { break }
      end += length
    }
    return end
  }

  /// The end of scalars that are not letters, numbers or spaces, and of the line ends after them.
  private func end(ofOthersAt start: Int) -> Int {
    var end = start
    while end < utf8.count {
      let (kind, length) = kind(at: end)
      if kind & CharacterKinds.named != 0 { break }
      end += length
    }
    while end < utf8.count, isLineEnd(utf8[end]) { end += 1 }
    return end
  }

  /// White space up to its last line end; without one, all of it except the last scalar, which belongs to the word that
  /// follows.
  private func end(ofSpaceAt start: Int) -> Int {
    var end = start
    var last = start
    var lineEnd: Int?
    while end < utf8.count {
      let (kind, length) = kind(at: end)
      if kind & CharacterKinds.space == 0 { break }
      last = end
      end += length
      if isLineEnd(utf8[last]) { lineEnd = end }
    }
    if let lineEnd { return lineEnd }
    return end == utf8.count || last == start ? end : last
  }

  /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d` in any case; the long s is an s.
  private func end(ofContractionAt start: Int) -> Int? {
    guard start + 1 < utf8.count else { return nil }
    let first = utf8[start + 1]
    let second = start + 2 < utf8.count ? utf8[start + 2] : 0
    if first == 0xC5, second == 0xBF { return start + 3 }
    switch (first | 0x20, second | 0x20) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return nil
    }
  }
}

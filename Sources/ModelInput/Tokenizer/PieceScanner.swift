// SPDX-License-Identifier: Apache-2.0

/// Divides text into the pieces within which byte pairs are merged.
///
/// The pieces are those of repeatedly matching the regular expression of ``PieceRules``, within the texts that its
/// digits leave. Every byte belongs to one piece. Linear in the length of the text.
struct PieceScanner {
  private let utf8: UnsafeBufferPointer<UInt8>
  private let rules: PieceRules
  private let kinds = CharacterKinds.shared.table
  private var position = 0
  /// Where the text ends that the expression sees.
  private var limit: Int

  /// Scans valid UTF-8.
  init(_ utf8: UnsafeBufferPointer<UInt8>, rules: PieceRules) {
    self.utf8 = utf8
    self.rules = rules
    limit = rules.digits == .together ? utf8.count : 0
  }

  /// The next piece as a range of bytes, or nil at the end.
  mutating func next() -> Range<Int>? {
    guard position < utf8.count else { return nil }
    if position == limit { limit = end(ofTextAt: position) }
    let start = position
    position = rules.pattern == .gpt2 ? end(ofPlainPieceAt: start) : end(ofPieceAt: start)
    return start..<position
  }

  /// The end of a number, of several, or of what is no number.
  private func end(ofTextAt start: Int) -> Int {
    let (kind, length) = kind(at: start)
    var end = start + length
    let isDigit = kind & CharacterKinds.digit != 0
    if isDigit, rules.digits == .each { return end }
    while end < utf8.count {
      let (kind, length) = self.kind(at: end)
      if (kind & CharacterKinds.digit != 0) != isDigit { break }
      end += length
    }
    return end
  }

  /// A piece of the expressions of Qwen2 and Llama 3.
  private func end(ofPieceAt start: Int) -> Int {
    let (kind, length) = kind(at: start)
    let second = start + length
    if kind & CharacterKinds.letter != 0 { return end(of: CharacterKinds.letter, at: second) }
    if kind & CharacterKinds.number != 0 { return rules.pattern == .llama3 ? end(ofNumbersAt: second) : second }
    let first = utf8[start]
    if first == UInt8(ascii: "'"), let end = end(ofContractionAt: start, anyCase: true) { return end }
    let next = second < limit ? self.kind(at: second) : (0, 0)
    if next.0 & CharacterKinds.letter != 0, !isLineEnd(first) {
      return end(of: CharacterKinds.letter, at: second + next.1)
    }
    if kind & CharacterKinds.space == 0 { return end(ofLineAt: end(ofOthersAt: second)) }
    if first == 0x20, next.1 > 0, next.0 & CharacterKinds.named == 0 {
      return end(ofLineAt: end(ofOthersAt: second + next.1))
    }
    return end(ofSpaceAt: start, takesLines: true)
  }

  /// A piece of the expression of GPT-2: a word, a number or signs, each with a space before it if there is one.
  private func end(ofPlainPieceAt start: Int) -> Int {
    if utf8[start] == UInt8(ascii: "'"), let end = end(ofContractionAt: start, anyCase: false) { return end }
    let (kind, length) = kind(at: start)
    let second = start + length
    if kind & CharacterKinds.space == 0 { return end(ofKind: kind, at: second) }
    let next = second < limit ? self.kind(at: second) : (0, 0)
    if utf8[start] == 0x20, next.1 > 0, next.0 & CharacterKinds.space == 0 {
      return end(ofKind: next.0, at: second + next.1)
    }
    return end(ofSpaceAt: start, takesLines: false)
  }

  private func end(ofKind kind: UInt8, at start: Int) -> Int {
    let wanted = kind & (CharacterKinds.letter | CharacterKinds.number)
    return wanted == 0 ? end(ofOthersAt: start) : end(of: wanted, at: start)
  }

  @inline(__always)
  private func kind(at position: Int) -> (UInt8, Int) {
    let (value, length) = utf8.scalar(at: position)
    return (kinds[Int(value)], length)
  }

  @inline(__always)
  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  private func end(of wanted: UInt8, at start: Int) -> Int {
    var end = start
    while end < limit {
      let (kind, length) = kind(at: end)
      if kind & wanted == 0 { break }
      end += length
    }
    return end
  }

  /// The end of up to two more numbers.
  private func end(ofNumbersAt start: Int) -> Int {
    var end = start
    for _ in 0..<2 where end < limit {
      let (kind, length) = kind(at: end)
      if kind & CharacterKinds.number == 0 { break }
      end += length
    }
    return end
  }

  /// The end of scalars that are not letters, numbers or spaces.
  private func end(ofOthersAt start: Int) -> Int {
    var end = start
    while end < limit {
      let (kind, length) = kind(at: end)
      if kind & CharacterKinds.named != 0 { break }
      end += length
    }
    return end
  }

  private func end(ofLineAt start: Int) -> Int {
    var end = start
    while end < limit, isLineEnd(utf8[end]) { end += 1 }
    return end
  }

  /// White space, up to its last line end where an expression takes lines; without one, all of it except the last scalar,
  /// which belongs to the word that follows.
  private func end(ofSpaceAt start: Int, takesLines: Bool) -> Int {
    var end = start
    var last = start
    var lineEnd: Int?
    while end < limit {
      let (kind, length) = kind(at: end)
      if kind & CharacterKinds.space == 0 { break }
      last = end
      end += length
      if isLineEnd(utf8[last]) { lineEnd = end }
    }
    if takesLines, let lineEnd { return lineEnd }
    return end == limit || last == start ? end : last
  }

  /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`, in any case where the expression says so; the long s is then an s.
  private func end(ofContractionAt start: Int, anyCase: Bool) -> Int? {
    guard start + 1 < limit else { return nil }
    let first = utf8[start + 1]
    let second = start + 2 < limit ? utf8[start + 2] : 0
    if anyCase, first == 0xC5, second == 0xBF { return start + 3 }
    let fold: UInt8 = anyCase ? 0x20 : 0
    switch (first | fold, second | fold) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
      return start + 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return nil
    }
  }
}

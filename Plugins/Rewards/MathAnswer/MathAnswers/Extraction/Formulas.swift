// SPDX-License-Identifier: Apache-2.0

/// Finds the formulas in a text: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`.
enum Formulas {
  /// Where they stand, with their marks, in order.
  static func spans(in text: ArraySlice<UInt8>) -> [Range<Int>] {
    var spans: [Range<Int>] = []
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      if byte == UInt8(ascii: "\\") {
        let close: StaticString
        if text.holds("\\(", at: position) {
          close = "\\)"
        } else if text.holds("\\[", at: position) {
          close = "\\]"
        } else {
          position += 2
          continue
        }
        guard let end = end(of: close, in: text, from: position + 2) else { return spans }
        spans.append(position..<end)
        position = end
      } else if byte == UInt8(ascii: "$") {
        let isDisplay = text.holds("$$", at: position)
        guard let end = end(of: isDisplay ? "$$" : "$", in: text, from: position + (isDisplay ? 2 : 1)) else {
          return spans
        }
        spans.append(position..<end)
        position = end
      } else {
        position += 1
      }
    }
    return spans
  }

  /// The last formula, with those before it that only `and`, `or` and commas separate from it.
  static func chain(_ spans: [Range<Int>], in text: ArraySlice<UInt8>) -> [UInt8]? {
    guard let last = spans.last else { return nil }
    var start = last.lowerBound
    for span in spans.dropLast().reversed() {
      let between = text[span.upperBound..<start].trimmed.map(\.lowercased)
      guard [",", "and", "or", ", and", ", or", ",and", ",or"].contains(where: { between.elementsEqual($0.utf8) })
      else { break }
      start = span.lowerBound
    }
    return Array(text[start..<last.upperBound])
  }

  /// The last run of TeX without marks around it, in a text with commands of TeX: `so \frac{2}{5} litres`.
  ///
  /// Words of several letters and characters beyond ASCII end a run.
  static func lastBareRun(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let command = text.lastIndex(of: UInt8(ascii: "\\")) else { return nil }
    var (start, end) = (command, command)
    while start > text.startIndex, belongsToFormula(text, start - 1) { start -= 1 }
    while end < text.endIndex, belongsToFormula(text, end) { end += 1 }
    var run = text[start..<end].trimmed.withoutStop
    while let last = run.last, ",;:".utf8.contains(last) { run.removeLast() }
    return run.isEmpty ? nil : run
  }

  /// Whether a byte is no part of a word or of another script, as far as its neighbours tell.
  private static func belongsToFormula(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    let byte = text[position]
    guard byte < 0x80, byte != 0x0A else { return false }
    guard byte.isLetter else { return true }
    var (start, end) = (position, position + 1)
    while start > text.startIndex, text[start - 1].isLetter { start -= 1 }
    while end < text.endIndex, text[end].isLetter { end += 1 }
    return end - start == 1 || start > text.startIndex && text[start - 1] == UInt8(ascii: "\\")
  }

  private static func end(of mark: StaticString, in text: ArraySlice<UInt8>, from start: Int) -> Int? {
    var position = start
    while position < text.endIndex {
      if text.holds(mark, at: position) { return position + mark.utf8CodeUnitCount }
      position += text[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }
}

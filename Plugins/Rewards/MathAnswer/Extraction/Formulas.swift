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

  private static func end(of mark: StaticString, in text: ArraySlice<UInt8>, from start: Int) -> Int? {
    var position = start
    while position < text.endIndex {
      if text.holds(mark, at: position) { return position + mark.utf8CodeUnitCount }
      position += text[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Tells whether a place in a text is whole words and whole numbers.
struct WordEdges {
  private let text: ArraySlice<UInt8>

  init(_ text: ArraySlice<UInt8>) { self.text = text }

  /// Whether neither a word nor a number goes on before or behind a place.
  func areFree(around place: Range<Int>) -> Bool {
    guard let first = text[place].first, let last = text[place].last else { return true }
    if place.lowerBound > text.startIndex {
      if joins(place.lowerBound - 1, place.lowerBound) { return false }
      if first.isDigit || first == UInt8(ascii: "."), endsNumber(before: place.lowerBound) { return false }
    }
    if place.upperBound < text.endIndex {
      if joins(place.upperBound - 1, place.upperBound) { return false }
      if last.isDigit, continuesNumber(at: place.upperBound) { return false }
    }
    return true
  }

  /// Whether a word goes on from one byte to the next.
  private func joins(_ first: Int, _ second: Int) -> Bool {
    guard text[first].isWord, text[second].isWord else { return false }
    return !isUnspaced(endingAt: first) && !isUnspaced(beginningAt: second)
  }

  private func isUnspaced(beginningAt position: Int) -> Bool {
    text[position] >= 0xC0 && text.scalar(at: position).value.isOfUnspacedScript
  }

  private func isUnspaced(endingAt position: Int) -> Bool {
    var start = position
    while start > text.startIndex, text[start] & 0xC0 == 0x80, position - start < 3 { start -= 1 }
    return isUnspaced(beginningAt: start)
  }

  /// Whether a number that began before goes on here: `3.`, `1,`, `3/`, or a minus sign that belongs to it.
  private func endsNumber(before position: Int) -> Bool {
    let mark = text[position - 1]
    let before = position - 2 >= text.startIndex ? text[position - 2] : 0x20
    if ".,/:".utf8.contains(mark) { return before.isDigit }
    return mark == UInt8(ascii: "-") && !before.isWord && before != UInt8(ascii: ")")
  }

  /// Whether a number goes on: `.5`, `,212`, `/3`.
  private func continuesNumber(at position: Int) -> Bool {
    guard ".,/:".utf8.contains(text[position]), position + 1 < text.endIndex, text[position + 1].isDigit else {
      return false
    }
    // `on 12,13 and 14` is a list; `1,212` is a number.
    guard text[position] == UInt8(ascii: ",") else { return true }
    return text[(position + 1)...].prefix { $0.isDigit }.count == 3
  }
}

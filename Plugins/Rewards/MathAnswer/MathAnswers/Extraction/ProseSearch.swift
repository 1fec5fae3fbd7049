// SPDX-License-Identifier: Apache-2.0

/// Finds an answer in sentences.
enum ProseSearch {
  /// How much of the end of a text is searched.
  private static let reach = 4096

  /// How many marks of an answer are looked at, from the last one on.
  private static let mostMarks = 4

  /// What follows the last "answer", else the last formula or number, else a letter that stands alone.
  static func answer(in text: ArraySlice<UInt8>) -> FoundAnswer? {
    let end = text.suffix(reach)
    var statements: [ArraySlice<UInt8>] = []
    var words: [UInt8]?
    var searched = end
    for _ in 0..<mostMarks {
      guard let mark = AnswerMark.last(in: searched) else { break }
      let rest = AnswerMark.skippingVerb(in: sentence(in: end[mark.end...]))
      statements += [rest, AnswerMark.skippingVerb(in: end[mark.end...])]
      if let found = leading(rest) ?? last(in: rest) {
        if !isOnlyWords(found[...]) { return FoundAnswer(found, statements: statements) }
        words = words ?? found
      }
      // "The answer is 5. I am sure that this answer is right."
      searched = end[..<mark.start]
    }
    guard let found = words ?? last(in: end) else {
      return statements.isEmpty ? nil : FoundAnswer([], statements: statements)
    }
    return FoundAnswer(found, statements: statements)
  }

  /// What follows the last "final answer is", where that is no mere remark: "the final answer is correct".
  static func finalAnswer(in text: ArraySlice<UInt8>) -> FoundAnswer? {
    let end = text.suffix(reach)
    guard let mark = AnswerMark.last(in: end), mark.isFinal else { return nil }
    let rest = sentence(in: end[mark.end...])
    let said = AnswerMark.skippingVerb(in: rest)
    guard said.count < rest.count,
      let found = leading(said) ?? Formulas.chain(Formulas.spans(in: said), in: said)
    else { return nil }
    return isOnlyWords(found[...]) && !found.contains(UInt8(ascii: "$")) ? nil : FoundAnswer(found)
  }

  /// Whether a text has letters and space alone, more than one letter.
  static func isOnlyWords(_ text: ArraySlice<UInt8>) -> Bool {
    text.count > 1 && text.allSatisfy { $0.isLetter || $0.isSpace || ".,'!*-".utf8.contains($0) }
  }

  /// What follows the last "the answer is" or "answer:", where that is an answer on its own.
  static func afterMark(in text: ArraySlice<UInt8>) -> [UInt8]? {
    guard let mark = AnswerMark.last(in: text) else { return nil }
    let rest = sentence(in: text[mark.end...])
    let said = AnswerMark.skippingVerb(in: rest)
    return said.count < rest.count ? leading(said) : nil
  }

  /// Whether a text is a single word, so that it is an answer as it stands.
  static func isOneWord(_ text: ArraySlice<UInt8>) -> Bool {
    let isForeign = text.contains { $0 >= 0x80 }
    return !text.contains { $0.isSpace || isForeign && ($0.isDigit || $0.isLetter || $0 == UInt8(ascii: "\\")) }
  }

  /// Whether a text announces its answer, or is a note with a price, which no formula is: `Total: 2,74 $ each`.
  static func isSentence(_ text: ArraySlice<UInt8>) -> Bool {
    if let mark = AnswerMark.last(in: text) { return mark.end < text.endIndex }
    if text.last == UInt8(ascii: "."), text.first?.isCapital == true, text.contains(where: \.isDigit) {
      // `In 2020, 27 people came.`
      let words = text.split(whereSeparator: \.isSpace).filter { $0.count > 1 && $0.prefix(2).allSatisfy(\.isLetter) }
      if words.count > 3 || words.count > 2 && words.first?.startIndex == text.startIndex { return true }
    }
    guard text.contains(UInt8(ascii: ":")), let dollar = text.firstIndex(of: UInt8(ascii: "$")) else { return false }
    return text.count { $0 == UInt8(ascii: "$") } == 1 && text[..<dollar].contains(where: \.isDigit)
  }

  /// Up to "I hope", a mark of a chat, or the end of the paragraph.
  private static func sentence(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    // A break right behind the mark does not end the sentence: `**Answer**\n\n5`.
    var position = text.startIndex
    while position < text.endIndex, text[position].isSpace || "*:".utf8.contains(text[position]) { position += 1 }
    while position < text.endIndex {
      if text.holds("I hope", at: position) || text.holds("<|", at: position) || text.holds("\n\n", at: position) {
        return text[..<position]
      }
      position += 1
    }
    return text
  }

  /// All of a sentence where that is an answer, else the option that it begins with: `B because (A) is wrong`.
  private static func leading(_ sentence: ArraySlice<UInt8>) -> [UInt8]? {
    let rest = withoutExclamation(sentence.withoutStop)
    guard !rest.isEmpty, rest.count <= 1024 else { return nil }
    let bytes = Array(rest)
    if !Answer(bytes).readings.isEmpty { return bytes }
    return AnswerMark.leadingOption(in: rest).map { [$0] }
  }

  /// Without the mark of an exclamation behind a number: `the answer is 5!`; in `$5!$` it is a factorial.
  private static func withoutExclamation(_ sentence: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let rest = sentence.dropLast()
    guard sentence.last == UInt8(ascii: "!"), rest.last?.isDigit == true else { return sentence }
    return rest
  }

  /// The last formula between marks of TeX, or the last number, whichever stands later; else a letter.
  private static func last(in text: ArraySlice<UInt8>) -> [UInt8]? {
    let formulas = Formulas.spans(in: text)
    let number = lastNumber(in: text, outside: formulas)
    if let last = formulas.last {
      if let number, number.lowerBound > last.upperBound { return alternatives(endingWith: number, in: text, formulas) }
      return Formulas.chain(formulas, in: text)
    }
    if let run = Formulas.lastBareRun(in: text), !Answer(Array(run)).readings.isEmpty { return Array(run) }
    if let number { return alternatives(endingWith: number, in: text, formulas) }
    return lastLetter(in: text)
  }

  /// How many numbers that are offered beside each other are kept.
  private static let mostAlternatives = 8

  /// A number with those before it that are offered beside it: `3 or 4` is both, and neither alone.
  private static func alternatives(
    endingWith last: Range<Int>, in text: ArraySlice<UInt8>, _ formulas: [Range<Int>]
  ) -> [UInt8] {
    var numbers = [last]
    // `the roots are 1, 2, 3.`, and no `in 2020, 27 people`
    var takesCommas = text[last.upperBound...].first { $0 != 0x20 }.map { ".;\n".utf8.contains($0) } ?? true
    while numbers.count < mostAlternatives, let first = numbers.last,
      let before = lastNumber(in: text[..<first.lowerBound], outside: formulas)
    {
      let between = text[before.upperBound..<first.lowerBound]
      if Alternatives.areParted(by: between, in: .list) {
        takesCommas = true
      } else if !takesCommas || !between.trimmed.elementsEqual(",".utf8) {
        break
      }
      numbers.append(before)
    }
    return Array(numbers.reversed().map { Array(text[$0]) }.joined(separator: Array(", ".utf8)))
  }

  /// The last number that belongs to no word and is not denied, with what is a formula around it and its unit: `2/3`,
  /// `5 km`, `$1,000.99`.
  private static func lastNumber(in text: ArraySlice<UInt8>, outside formulas: [Range<Int>]) -> Range<Int>? {
    var position = text.endIndex
    var index = formulas.count
    while position > text.startIndex {
      position -= 1
      while index > 0, formulas[index - 1].lowerBound > position { index -= 1 }
      if index > 0, formulas[index - 1].contains(position) {
        position = formulas[index - 1].lowerBound
        continue
      }
      guard text[position].isDigit else { continue }
      var start = position
      while start > text.startIndex, isPartOfFormula(text[start - 1]) { start -= 1 }
      if start > text.startIndex, text[start - 1].isLetter || isDenied(text[..<start]) {
        // `AZYUK2A`, `not 4`
        position = start
        continue
      }
      while start < position, !(text[start].isDigit || "-.(".utf8.contains(text[start])) { start += 1 }
      var end = position + 1
      while end < text.endIndex, text[end] == UInt8(ascii: "%") || text[end] == UInt8(ascii: ")") { end += 1 }
      if end < text.endIndex, text[end].isLetter, NumberUnit.end(in: text, behind: end) == nil {
        position = start
        continue
      }
      let closes = text[start..<end].count { $0 == UInt8(ascii: ")") }
      let opens = text[start..<end].count { $0 == UInt8(ascii: "(") }
      if closes > opens { end = position + 1 }
      if isFactorial(in: text, at: end) { return start..<(end + 1) }
      if start > text.startIndex, text[start - 1] == UInt8(ascii: "$") { start -= 1 }
      return start..<(NumberUnit.end(in: text, behind: end) ?? end)
    }
    return nil
  }

  /// Whether an exclamation mark behind a number is no end of a sentence: `5! ways`.
  private static func isFactorial(in text: ArraySlice<UInt8>, at position: Int) -> Bool {
    guard text.holds("!", at: position), position + 2 < text.endIndex else { return false }
    return text[position + 1] == 0x20 && text[position + 2].isLetter && !text[position + 2].isCapital
  }

  /// Whether a text ends with "not".
  private static func isDenied(_ text: ArraySlice<UInt8>) -> Bool {
    let before = text.trimmed
    guard before.ends(with: "not") || before.ends(with: "n't") else { return false }
    let start = before.endIndex - 4
    return start < before.startIndex || before.ends(with: "n't") || !before[start].isLetter
  }

  /// Characters of which numbers and plain fractions are made.
  private static func isPartOfFormula(_ byte: UInt8) -> Bool {
    byte.isDigit || ".,/*^+-()".utf8.contains(byte)
  }

  /// The last capital letter from A to J that stands alone; `A` is no article where no small letter follows.
  private static func lastLetter(in text: ArraySlice<UInt8>) -> [UInt8]? {
    var position = text.endIndex
    while position > text.startIndex {
      position -= 1
      let letter = text[position]
      guard letter.isCapital, letter <= UInt8(ascii: "J"), letter != UInt8(ascii: "I") else { continue }
      if position > text.startIndex, text[position - 1].isLetter || text[position - 1].isDigit { continue }
      let next = position + 1
      if next < text.endIndex, text[next].isLetter || text[next].isDigit || text[next] == UInt8(ascii: "'") { continue }
      if letter == UInt8(ascii: "A"), text[next...].trimmed.first?.isLetter == true, text.holds(" ", at: next) {
        continue
      }
      return [letter]
    }
    return nil
  }
}

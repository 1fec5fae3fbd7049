// SPDX-License-Identifier: Apache-2.0

/// Reads numbers in words: `thirty`, `twenty-one`, `one hundred and five`, `a dozen`, `two and a half`, `三十二`.
package enum NumberWords {
  private static let units: [String: Double] = [
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19,
  ]
  private static let tens: [String: Double] = [
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
  ]
  /// Parts of one, and how many make it up; the second of two is an order, and no part.
  private static let parts: [String: Double] = [
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "twelfth": 12, "hundredth": 100,
  ]
  private static let scales: [String: Double] = ["thousand": 1e3, "million": 1e6, "billion": 1e9]

  /// The number words of a text, each run as one number, in order.
  package static func numbers(in text: ArraySlice<UInt8>) -> [(value: Double, range: Range<Int>)] {
    quotients(in: text).map { ($0.numerator / $0.denominator, $0.range) }
  }

  private typealias Quotient = (numerator: Double, denominator: Double, range: Range<Int>)

  private static func quotients(in text: ArraySlice<UInt8>) -> [Quotient] {
    let words = TextWord.words(of: text)
    var found: [Quotient] = []
    var index = 0
    while index < words.count {
      if let (numerator, denominator, end) = fraction(words, from: index) {
        found.append((numerator, denominator, words[index].range.lowerBound..<words[end - 1].range.upperBound))
        index = end
      } else if let (value, end) = english(words, from: index) ?? chinese(words, from: index) {
        found.append((value, 1, words[index].range.lowerBound..<words[end - 1].range.upperBound))
        index = end
      } else {
        index += 1
      }
    }
    return found
  }

  /// The digits of an answer that is nothing but a number in words of English, in `\text{…}` too; nil for any other.
  static func digits(of answer: [UInt8]) -> [UInt8]? {
    guard let first = answer.first, first.isLetter || first == UInt8(ascii: "\\"), (3..<100).contains(answer.count)
    else {
      return nil
    }
    var text = answer[...]
    if text.holds("\\text{", at: text.startIndex), text.last == UInt8(ascii: "}") {
      text = text.dropFirst(6).dropLast()
    }
    text = text.trimmed
    guard text.allSatisfy({ $0.isLetter || $0.isSpace || $0 == UInt8(ascii: "-") }) else { return nil }
    let found = quotients(in: text)
    guard found.count == 1, found[0].range == text.startIndex..<text.endIndex, found[0].numerator < 1e15 else {
      return nil
    }
    let numerator = "\(UInt64(found[0].numerator))"
    return Array((found[0].denominator == 1 ? numerator : numerator + "/\(UInt64(found[0].denominator))").utf8)
  }

  /// `half`, `one third`, `three-quarters`, `two and a half`.
  private static func fraction(
    _ words: [TextWord], from start: Int
  ) -> (numerator: Double, denominator: Double, end: Int)? {
    func word(_ index: Int) -> String { index < words.count ? words[index].text : "" }
    /// How many of which part stand there: `a half`, `three-quarters`.
    func share(from index: Int) -> (count: Double, of: Double, end: Int)? {
      if word(index) == "half" { return (1, 2, index + 1) }
      if ["a", "an", "one"].contains(word(index)) {
        let next = word(index + 1) == "-" ? index + 2 : index + 1
        return parts[word(next)].map { (1, $0, next + 1) }
      }
      guard let (count, end) = english(words, from: index), count == count.rounded(), count > 1 else { return nil }
      let next = word(end) == "-" ? end + 1 : end
      // `three quarters`; `twenty third` is an order.
      let plural = word(next)
      let singular = plural == "halves" ? "half" : plural.hasSuffix("s") ? String(plural.dropLast()) : ""
      return parts[singular].map { (count, $0, next + 1) }
    }
    if let share = share(from: start) { return (share.count, share.of, share.end) }
    guard let (whole, end) = english(words, from: start), word(end) == "and", let share = share(from: end + 1),
      share.count < share.of
    else { return nil }
    return (whole * share.of + share.count, share.of, share.end)
  }

  private static func english(_ words: [TextWord], from start: Int) -> (Double, end: Int)? {
    if words[start].text == "dozen" { return (12, start + 1) }
    var total = 0.0
    var part: Double?
    var index = start
    var end = start
    while index < words.count {
      let word = words[index].text
      if let ten = tens[word], part == nil || part?.truncatingRemainder(dividingBy: 100) == 0 {
        part = (part ?? 0) + ten
      } else if let unit = units[word], takes(unit, after: part) {
        part = (part ?? 0) + unit
      } else if word == "hundred", let given = part ?? (isArticle(words, before: start) && index == start ? 1 : nil),
        given < 100
      {
        part = given * 100
      } else if let scale = scales[word], let given = part {
        total += given * scale
        part = 0
      } else if end > start, word == "-" || word == "and" && words[index - 1].text == "hundred" {
        // Only between two parts of one number.
        guard index + 1 < words.count, tens[words[index + 1].text] ?? units[words[index + 1].text] != nil else { break }
        if word == "-", tens[words[index - 1].text] == nil { break }
        index += 1
        continue
      } else {
        break
      }
      index += 1
      end = index
    }
    guard end > start, let part else { return nil }
    if words.indices.contains(end), words[end].text == "dozen" { return ((total + part) * 12, end + 1) }
    return (total + part, end)
  }

  private static func isArticle(_ words: [TextWord], before start: Int) -> Bool {
    start > 0 && words[start - 1].text == "a"
  }

  /// Whether a number below twenty may follow: nothing, a ten without one, or hundreds.
  private static func takes(_ unit: Double, after part: Double?) -> Bool {
    guard let part else { return true }
    let rest = part.truncatingRemainder(dividingBy: 100)
    return rest == 0 || (unit > 0 && unit < 10 && rest >= 20 && rest.truncatingRemainder(dividingBy: 10) == 0)
  }

  /// Numerals of Chinese side by side: 三十二, 二〇二四.
  private static func chinese(_ words: [TextWord], from start: Int) -> (Double, end: Int)? {
    var end = start
    while end < words.count, ForeignNumerals.isNumeral(words[end].text),
      end == start || words[end].range.lowerBound == words[end - 1].range.upperBound
    {
      end += 1
    }
    guard end > start, let value = ForeignNumerals.value(of: words[start..<end].map(\.text).joined()) else {
      return nil
    }
    return (Double(value), end)
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Reads numbers in words: `thirty`, `twenty-one`, `one hundred and five`, `a dozen`, `三十二`.
enum NumberWords {
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
  private static let scales: [String: Double] = ["thousand": 1e3, "million": 1e6, "billion": 1e9]
  private static let chinese: [String: Double] = [
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
  ]
  private static let chineseScales: [String: Double] = ["十": 10, "百": 100, "千": 1000]

  private struct Word {
    let text: String
    let range: Range<Int>
  }

  /// The number words of a text, each run as one number, in order.
  static func candidates(in text: ArraySlice<UInt8>) -> [NumberReading.Candidate] {
    let words = words(of: text)
    var found: [NumberReading.Candidate] = []
    var index = 0
    while index < words.count {
      if let (value, end) = english(words, from: index) ?? chinese(words, from: index) {
        found.append(
          NumberReading.Candidate(
            value: NumberReading.Value(number: value, isPercentage: false),
            range: words[index].range.lowerBound..<words[end - 1].range.upperBound))
        index = end
      } else {
        index += 1
      }
    }
    return found
  }

  /// Words in lower case, commands of TeX, and marks, each alone.
  static func parts(of text: ArraySlice<UInt8>) -> [String] { words(of: text).map(\.text) }

  private static func words(of text: ArraySlice<UInt8>) -> [Word] {
    var words: [Word] = []
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      var end = position + 1
      if byte.isSpace {
        position = end
        continue
      }
      if byte == UInt8(ascii: "\\") || byte.isLetter {
        while end < text.endIndex,
          text[end].isLetter
            || text[end] == UInt8(ascii: "'") && byte.isLetter && end + 1 < text.endIndex && text[end + 1].isLetter
        { end += 1 }
        if end == position + 1, byte == UInt8(ascii: "\\"), end < text.endIndex { end += 1 }
      } else if byte >= 0x80 {
        end = position + text.scalar(at: position).length
      }
      words.append(Word(text: text[position..<end].text.lowercased(), range: position..<end))
      position = end
    }
    return words
  }

  private static func english(_ words: [Word], from start: Int) -> (Double, end: Int)? {
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

  private static func isArticle(_ words: [Word], before start: Int) -> Bool {
    start > 0 && words[start - 1].text == "a"
  }

  /// Whether a number below twenty may follow: nothing, a ten without one, or hundreds.
  private static func takes(_ unit: Double, after part: Double?) -> Bool {
    guard let part else { return true }
    let rest = part.truncatingRemainder(dividingBy: 100)
    return rest == 0 || (unit > 0 && unit < 10 && rest >= 20 && rest.truncatingRemainder(dividingBy: 10) == 0)
  }

  private static func chinese(_ words: [Word], from start: Int) -> (Double, end: Int)? {
    var total = 0.0
    var digit: Double?
    var index = start
    while index < words.count, index == start || words[index].range.lowerBound == words[index - 1].range.upperBound {
      if let scale = chineseScales[words[index].text] {
        total += (digit ?? 1) * scale
        digit = nil
      } else if let next = chinese[words[index].text] {
        // 二〇二四
        digit = digit.map { $0 * 10 + next } ?? next
      } else {
        break
      }
      index += 1
    }
    return index > start ? (total + (digit ?? 0), index) : nil
  }
}

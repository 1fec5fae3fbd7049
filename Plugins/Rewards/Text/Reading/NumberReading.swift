// SPDX-License-Identifier: Apache-2.0
import MathAnswers
import PipelineCore

/// Which number a text gives as its answer.
struct NumberReading {
  /// A number.
  struct Value: Equatable {
    let number: Double
    let isPercentage: Bool
    /// Whether the text says nothing else: no words before it or behind its unit.
    var isWhole = false

    /// Two values are equal where their numbers are.
    static func == (a: Value, b: Value) -> Bool { a.number == b.number && a.isPercentage == b.isPercentage }
  }

  /// What a text gives.
  enum Finding: Equatable {
    /// A number.
    case one(Value)
    /// Several, or an expression that is none: `2 or 3`, `5x`, `> 3`.
    case unclear
    /// None.
    case none
  }

  /// A place in the text where a number stands, or an expression that is none.
  struct Candidate {
    let value: Value?
    let range: Range<Int>
    var isDenied = false
  }

  private let text: ArraySlice<UInt8>
  private let candidates: [Candidate]
  /// How many bytes are read: what is said last is near the end, and a longer text is no answer.
  private static let limit = 1 << 16

  /// Looks for numbers in the last 64 KiB of a cleaned text.
  ///
  /// - Parameters:
  ///   - words: Whether number words count where there are no digits.
  ///   - isFormula: Whether the text is an answer, in which `|` and `!` are marks of mathematics.
  init(_ text: ArraySlice<UInt8>, words: Bool = false, isFormula: Bool = true) {
    let text = text.suffix(Self.limit)
    self.text = text
    var found = Self.candidates(in: text, isFormula: isFormula)
    if words, found.isEmpty {
      found = NumberWords.numbers(in: text).map {
        Candidate(value: Value(number: $0.value, isPercentage: false), range: $0.range)
      }
    }
    candidates = found.map { candidate in
      var candidate = candidate
      candidate.isDenied = Self.isDenied(candidate, in: text)
      return candidate
    }.filter { !$0.isDenied }
  }

  /// The number that a response gives, in the part that is asked for.
  static func number(in response: ArraySlice<UInt8>, _ extraction: AnswerExtraction, words: Bool = false) -> Finding {
    func read(_ text: ArraySlice<UInt8>, isFormula: Bool = false) -> NumberReading {
      NumberReading(PlainText.cleaned(text)[...], words: words, isFormula: isFormula)
    }
    let places =
      switch extraction {
      case .automatic: AnswerExtraction.boxes(in: response) ?? AnswerExtraction.tags(in: response)
      case .boxed: AnswerExtraction.boxes(in: response)
      case .answerTag: AnswerExtraction.tags(in: response)
      case .none, .lastLine: nil as [ArraySlice<UInt8>]?
      }
    if let places {
      let findings = places.map { read($0, isFormula: true).answer() }.filter { $0 != .none }
      guard let first = findings.first else { return .none }
      return findings.allSatisfy { $0 == first } ? first : .unclear
    }
    switch extraction {
    case .automatic: return read(response.suffix(limit)).response()
    case .boxed, .answerTag: return .none
    case .none, .lastLine: return extraction.answer(in: response).map { read($0.suffix(limit)).last() } ?? .none
    }
  }

  /// The number of a text that is nothing but an answer: what a box or an answer tag holds, or an expected answer.
  func answer() -> Finding {
    guard let last = candidates.last else { return .none }
    guard let value = last.value else { return .unclear }
    for (first, second) in zip(candidates, candidates.dropFirst()).reversed() {
      guard areParted(first, second, in: .answer) else { break }
      if first.value != value { return .unclear }
    }
    var whole = value
    whole.isWhole =
      candidates.count == 1 && text[..<last.range.lowerBound].trimmed.isEmpty
      && !text[last.range.upperBound...].contains(where: \.isWord)
    return .one(whole)
  }

  /// The last number of a text.
  func last() -> Finding {
    guard let index = candidates.lastIndex(where: { $0.value != nil }), let value = candidates[index].value else {
      return candidates.isEmpty ? .none : .unclear
    }
    if index > 0, areParted(candidates[index - 1], candidates[index], in: .sentence),
      candidates[index - 1].value != value
    {
      return .unclear
    }
    return .one(value)
  }

  /// The number behind "the answer is", through its `=`, or else the last one.
  func response() -> Finding {
    guard let cue = AnswerMark.lastAnnouncement(in: text) else { return last() }
    let line = text[cue...].trimmed
    let end = line.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? line.endIndex
    let said = candidates.filter { $0.range.lowerBound >= cue && $0.range.lowerBound < end }
    guard var last = said.first else { return self.last() }
    for next in said.dropFirst() {
      if isEquality(last, next) {
        last = next
      } else if areParted(last, next, in: .sentence), next.value != last.value {
        return .unclear
      } else {
        break
      }
    }
    if let value = last.value { return .one(value) }
    return said.last?.value.map(Finding.one) ?? .unclear
  }

  /// Whether only an equals sign stands between two candidates.
  private func isEquality(_ first: Candidate, _ second: Candidate) -> Bool {
    let between = text[first.range.upperBound..<second.range.lowerBound].filter {
      !$0.isSpace && $0 != UInt8(ascii: "$")
    }
    return ["=", "≈", "\\approx", "equals", "is", "≃", "\\to", "→", "\\Rightarrow", "\\implies", "⇒"].contains {
      between.elementsEqual($0.utf8)
    }
  }

  /// Whether two candidates are offered beside each other.
  private func areParted(_ first: Candidate, _ second: Candidate, in place: Alternatives.Place) -> Bool {
    let between = text[first.range.upperBound..<second.range.lowerBound]
    // Nothing between two numbers: a list that space parts.
    if place == .answer, between.allSatisfy(\.isSpace) { return true }
    if Alternatives.areParted(by: between, in: place) { return true }
    // `between 3 and 5`
    let before = text[..<first.range.lowerBound].trimmed
    return before.suffix(7).elementsEqual("between".utf8) && Alternatives.areParted(by: between, in: .list)
  }

  private static func isDenied(_ candidate: Candidate, in text: ArraySlice<UInt8>) -> Bool {
    let before = text[..<candidate.range.lowerBound].suffix(24)
    let words = TextWord.words(of: before).map(\.text).filter {
      !["$", "(", "\"", "=", "is", "be", "equal", "to", "exactly"].contains($0)
    }
    guard let word = words.last else { return false }
    if word == "than" || word == "of" {
      return words.dropLast().last.map { ["rather", "instead"].contains($0) } ?? false
    }
    return word == "not" || word.hasSuffix("n't") || before.trimmed.suffix(6).elementsEqual("不是".utf8)
  }
}

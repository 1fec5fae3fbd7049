// SPDX-License-Identifier: Apache-2.0

/// Decides whether two answers are mathematically equal.
///
/// The verdict is the same for the two in either order, an answer equals itself, and the work is bounded whatever the
/// answers are.
package struct MathComparison: Sendable {
  private let rules: AnswerRules

  /// A comparison by rules; where answers are found does not matter to it.
  package init(rules: AnswerRules = AnswerRules()) { self.rules = rules }

  /// Compares two answers, in TeX or plain text, without anything around them.
  package func compare(_ first: String, _ second: String) -> MathVerdict {
    compare(Fullwidth.plain(Array(first.utf8)), Fullwidth.plain(Array(second.utf8)))
  }

  /// Compares the answers of two texts: each is searched for its box, its answer tag, its last formula.
  package func compareTexts(_ first: String, _ second: String) -> MathVerdict {
    guard let a = AnswerPart.automatic(in: Fullwidth.plain(Array(first.utf8))[...]),
      let b = AnswerPart.automatic(in: Fullwidth.plain(Array(second.utf8))[...])
    else { return first == second ? .equal : .different }
    let verdict = compare(a, b)
    if verdict != .equal, !a.boxes.isEmpty, a.boxes.allSatisfy({ compare($0, b.bytes) == .equal }) { return .equal }
    if verdict != .equal, !b.boxes.isEmpty, b.boxes.allSatisfy({ compare(a.bytes, $0) == .equal }) { return .equal }
    return verdict
  }

  /// Compares two answers as UTF-8.
  func compare(_ first: [UInt8], _ second: [UInt8]) -> MathVerdict { compare(FoundAnswer(first), FoundAnswer(second)) }

  /// Compares what two texts give as their answers.
  func compare(_ first: FoundAnswer, _ second: FoundAnswer) -> MathVerdict {
    let (a, b) = (first.bytes[...].trimmed, second.bytes[...].trimmed)
    if a == b { return .equal }
    if let left = SmallNumber(a), let right = SmallNumber(b) { return left.value == right.value ? .equal : .different }
    let (left, right) = (first.read ?? Answer(Array(a)), second.read ?? Answer(Array(b)))
    // Always in the same order, so that work that runs out runs out at the same place.
    return b.lexicographicallyPrecedes(a) ? compare(right, left) : compare(left, right)
  }

  private func compare(_ first: Answer, _ second: Answer) -> MathVerdict {
    if first.form.isSame(as: second.form) { return .equal }
    if first.fault == .tooLarge || second.fault == .tooLarge { return .tooLarge }
    if let verdict = ClockTime.compare(first.bytes, second.bytes) { return verdict }
    if let verdict = compareChoices(first, second) { return verdict }
    let verdict = compareMeanings(first, second)
    if case .unknown = verdict, verdict != .tooLarge, verdict != .tooMuchWork || !first.form.hasParts,
      first.form.hasShape(of: second.form)
    {
      // An answer that is written as the other is, with other numbers, signs or letters, is not the same for want of a proof.
      return .different
    }
    return verdict
  }
}

extension MathComparison {
  /// Options of a question; nil where neither answer is one, or what the answers say decides.
  private func compareChoices(_ first: Answer, _ second: Answer) -> MathVerdict? {
    switch (first.form.choice, second.form.choice) {
    case (nil, nil): nil
    case (let choice?, let other?) where choice.isAll || other.isAll:
      choice.letter == other.letter ? .equal : .different
    case (_?, _?): nil
    // `C. 12` and `12`
    case (let choice?, nil): choice.text(of: first.bytes).flatMap { compare($0, second.bytes) == .equal ? .equal : nil }
    case (nil, let choice?): choice.text(of: second.bytes).flatMap { compare(first.bytes, $0) == .equal ? .equal : nil }
    }
  }

  /// What the answers say, with letters that may be units or variables, names or factors.
  private func compareMeanings(_ first: Answer, _ second: Answer) -> MathVerdict {
    var verdict = compareReadings(first, second)
    // `\frac{2mg}{3}` and `mg \cdot \frac{2}{3}`: a weight, and no milligrams; `it` and `ti`.
    if verdict != .equal,
      (first.hasUnit || first.isShortWord) && second.hasVariable
        || (second.hasUnit || second.isShortWord) && first.hasVariable,
      compareReadings(
        Answer(first.bytes, unitsAreVariables: true), Answer(second.bytes, unitsAreVariables: true)) == .equal
    {
      verdict = .equal
    }
    guard verdict == .equal else { return verdict }
    // `P(A)Q(B)` and `P(B)Q(A)` are the same products, of functions they are not.
    let names = NameSet.applied(in: first.bytes)
    if names.isEmpty { return .equal }
    let common = names.intersection(NameSet.applied(in: second.bytes))
    if common.isEmpty { return .equal }
    return compareReadings(Answer(first.bytes, names: common), Answer(second.bytes, names: common))
  }

  /// Equal where one way to read both answers makes them equal.
  private func compareReadings(_ first: Answer, _ second: Answer) -> MathVerdict {
    var unknown: MathVerdict?
    for (index, reading) in first.readings.enumerated() {
      for (otherIndex, other) in second.readings.enumerated() where first.agrees(index, second, otherIndex) {
        var comparer = Comparer(rules: rules)
        switch comparer.compare(reading, other) {
        case .equal: return .equal
        case .different: continue
        case let verdict: unknown = verdict
        }
      }
    }
    return unknown ?? .different
  }
}

/// A whole number of a few digits, read without any of the machinery.
private struct SmallNumber {
  let value: Int

  init?(_ text: ArraySlice<UInt8>) {
    var digits = text
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative { digits = digits.dropFirst() }
    guard !digits.isEmpty, digits.count <= 18 else { return nil }
    var value = 0
    for byte in digits {
      guard byte.isDigit else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    self.value = isNegative ? -value : value
  }
}

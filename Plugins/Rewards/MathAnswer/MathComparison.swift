// SPDX-License-Identifier: Apache-2.0

/// Decides whether two answers are mathematically equal.
///
/// The verdict is the same for the two in either order, an answer equals itself, and the work is bounded whatever the
/// answers are.
public struct MathComparison: Sendable {
  private let options: MathAnswerOptions

  /// A comparison with options; `extract` and `unknown` do not matter to it.
  public init(options: MathAnswerOptions = MathAnswerOptions()) { self.options = options }

  /// Compares two answers, in TeX or plain text, without anything around them.
  public func compare(_ first: String, _ second: String) -> MathVerdict {
    compare(Array(first.utf8), Array(second.utf8))
  }

  /// Compares the answers of two texts: each is searched for its box, its answer tag, its last formula.
  public func compareTexts(_ first: String, _ second: String) -> MathVerdict {
    guard let a = AnswerPart.automatic(in: Array(first.utf8)[...]),
      let b = AnswerPart.automatic(in: Array(second.utf8)[...])
    else { return first == second ? .equal : .different }
    return compare(a, b)
  }

  /// Compares two answers as UTF-8.
  func compare(_ first: [UInt8], _ second: [UInt8]) -> MathVerdict {
    let (a, b) = (first[...].trimmed, second[...].trimmed)
    if a == b { return .equal }
    if let left = SmallNumber(a), let right = SmallNumber(b), left.places + right.places == 0 {
      return left.value == right.value ? .equal : .different
    }
    // Always in the same order, so that work that runs out runs out at the same place.
    return b.lexicographicallyPrecedes(a)
      ? compare(Answer(Array(b)), Answer(Array(a))) : compare(Answer(Array(a)), Answer(Array(b)))
  }

  private func compare(_ first: Answer, _ second: Answer) -> MathVerdict {
    if first.form.isSame(as: second.form) { return .equal }
    if first.fault == .tooLarge || second.fault == .tooLarge { return .tooLarge }
    let (choice, otherChoice) = (first.form.choice, second.form.choice)
    if choice.letter != 0, otherChoice.letter != 0, choice.isAll || otherChoice.isAll {
      return choice.letter == otherChoice.letter ? .equal : .different
    }
    var unknown: MathVerdict?
    for reading in first.readings {
      for other in second.readings {
        var comparer = Comparer(options: options)
        switch comparer.compare(reading, other) {
        case .equal: return .equal
        case .different: continue
        case let verdict: unknown = verdict
        }
      }
    }
    if first.readings.isEmpty, second.readings.isEmpty, !first.form.isProse || !second.form.isProse {
      return .unknown("neither answer can be read")
    }
    return unknown ?? .different
  }
}

/// A whole number of a few digits, read without any of the machinery.
private struct SmallNumber {
  let value: Int
  let places = 0

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

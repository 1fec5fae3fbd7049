// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response's answer is mathematically equal to the expected one, else 0.
///
/// The answer is what the last `\boxed{…}` holds, with the boxes beside it; else what the last answer tag holds; else
/// the whole response where that is an answer; else what follows the last "answer is", or the last formula or number.
/// The expected answer is found in the same way, so that it may be a whole solution.
///
/// What is equal to what, both in TeX and plain:
/// - **Numbers** by value, exactly: `0.5`, `\frac12`, `1/2`; `1,000` and `1000`; `3\frac12` and `3.5`. A number with at
///   least six decimals (`decimal_places`) counts as rounded: it equals what lies within half a unit of the sixth, and
///   agrees in about as many digits as it shows. `0.33` is not a third.
/// - **Closed forms** by value in 256 bits, with roots, powers, logarithms (`\log` is natural, or common where that makes
///   them equal), trigonometry, factorials, complex numbers. `\sqrt[3]{-8}` is `-2`.
/// - **Expressions with variables** where they agree for all real values: exactly, modulo two primes of 61 and 62 bits,
///   where they are rational; else at four fixed points, in 256 bits with error bounds. Functions of which only the name
///   is known are equal where their arguments are.
/// - **Units** where the other side has units too: `5 cm` is `50 mm` and not `5 m`; else they are dropped. `50%` is `0.5`,
///   and `50` too (`percent`); `90°` is `90` and `\pi/2`.
/// - **Lists and sets** in any order, each part once, `\pm` standing for two; **tuples** in order; **intervals**, unions
///   and **inequalities** as the sets that they are; **matrices** entry by entry, vectors also as tuples.
/// - **Assignments**: `x = 5` is `5`. **Equations** up to a factor and the exchange of sides.
/// - **Words** whatever their case; a choice's letter with or without what it stands before: `(C) 5` is `C`.
///
/// It cannot tell, and abstains (`unknown`), where an answer is longer than 64 KiB or 8,192 tokens, deeper than about 25
/// brackets, or takes more than a fixed count of steps; where values are too close to tell apart; where sums, integrals
/// or limits differ, which are compared by their parts.
public struct MathAnswerReward: RewardFunction {
  /// The description of this component.
  public static let about = ComponentAbout(
    name: "math-answer", summary: "1 if the response's answer is mathematically equal to the answer, else 0")

  /// Both sides of the comparison.
  public let reads: Set<Field> = [.response, .answer]
  private let options: MathAnswerOptions
  private let comparison: MathComparison

  /// Makes the reward.
  public init(options: MathAnswerOptions = MathAnswerOptions(), assembly: Assembly) {
    self.options = options
    comparison = MathComparison(options: options)
  }

  /// Compares the two.
  ///
  /// - Throws: When one of them is missing or no text.
  public func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    guard let response = try trajectory.value(of: .response) else { throw AnswerFault("has no 'response'") }
    guard let responseText = response.stringValue else {
      throw AnswerFault("'response' is \(response.kindDescription), not a string")
    }
    guard let answer = try trajectory.value(of: .answer) else { throw AnswerFault("has no 'answer'") }
    guard let answerText = answer.scalarText else {
      throw AnswerFault("'answer' is \(answer.kindDescription), not a string or a number")
    }
    let expected = Array(answerText.utf8)
    if expected[...].trimmed.isEmpty { return .abstained("the answer is empty") }
    let text = Array(responseText.utf8)[...]
    let found: [UInt8]?
    switch options.extract {
    case .automatic: found = AnswerPart.automatic(in: text)
    case .boxed: found = AnswerPart.boxed(in: text)
    case .answerTag: found = Array(AnswerPart.tagged(in: text) ?? text)
    case .none: found = Array(text)
    }
    guard let found else { return .scored(0) }
    let key = AnswerPart.expected(in: expected[...])
    switch comparison.compare(found, key) {
    case .equal: return .scored(1)
    case .different: return .scored(0)
    case .unknown(let reason): return options.unknown == .zero ? .scored(0) : .abstained(reason)
    }
  }
}

/// Why a record cannot be judged.
private struct AnswerFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

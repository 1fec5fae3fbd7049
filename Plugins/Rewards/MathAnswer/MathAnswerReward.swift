// SPDX-License-Identifier: Apache-2.0
import MathAnswers
package import PipelineCore

/// 1 if the response's answer is mathematically equal to the expected one, or to one of several, else 0.
///
/// The answer is the contents of the last `\boxed{…}`, with adjacent boxes, unless "the final answer is" follows; else
/// the contents of the last answer tag; else what follows the last "answer is", "Answer:", "the correct option is", 答案;
/// else the whole response if it is an answer, or its last formula or number. Tags may contain spaces (`< answer >`).
/// Boxes that are all right are right together.
///
/// The expected answer is the contents of its box, or what follows `####` or "the answer is"; else all of it. It may be
/// an array of accepted answers. A response that repeats it letter by letter, apart from spaces and formatting, is
/// right.
///
/// Answers are equal by these rules, in TeX and in plain text:
/// - **Numbers** by value, exactly: `0.5`, `\frac12`, `1/2`; `1,000` and `1000`; `3\frac12` and `3.5`. A number with at
///   least six decimals (`decimal_places`) counts as rounded: it equals what lies within half a unit of the sixth, and
///   agrees in about as many digits as it shows. `0.33` is not a third. `2,74 €` is 2.74, `3,4` two numbers.
/// - **Closed forms** by value in 256 bits, with roots, powers, logarithms (`\log` is natural, or common where that makes
///   them equal), trigonometry, factorials, complex numbers. `\sqrt[3]{-8}` is `-2`.
/// - **Expressions with variables** where they agree for all real values: exactly, modulo two primes of 61 and 62 bits,
///   where they are rational; else at four fixed points, in 256 bits with error bounds; those of pieces (`|x-5|`,
///   `\max`, `⌊n/2⌋`) also at large and at whole values and beside each place where pieces meet. Functions of which only
///   the name is known are equal where their arguments are: `f(x)`, `I(0)`, `f^{-1}(x)`, and what both sides apply.
/// - **Units** where the other side has units too: `5 cm` is `50 mm` and not `5 m`; else they are dropped. `50%` is `0.5`,
///   and `50` too (`percent`); `90°` is `90` and `\pi/2`; what is counted may stand in parentheses: `9 (apples)`. Everyday units of Chinese, Japanese and Korean are known.
/// - **Times of day**: `4:30 PM` is `16:30`, and `4:30`.
/// - **Lists and sets** in any order, each part once, `\pm` standing for two; **tuples** in order; **intervals**, unions
///   and **inequalities** as the sets that they are; **matrices** entry by entry, vectors also as tuples. `\quad`, `\\`,
///   the end of a line, `;`, `and`, 或 stand between parts as commas do.
/// - **Assignments**: `x = 5` is `5`. **Roundings**: `2\sqrt{3} \approx 3.46` is both of its sides; of two such chains
///   each side counts. **Equations** up to a factor and the exchange of sides.
/// - **Words** in any case; a number in words as that number; a choice's letter with or without the text of the choice: `(C) 5` is `C`.
///
/// A response without anything to compare scores 0, with a part `found` of 0.
///
/// It abstains (`unknown`) if an answer is longer than 64 KiB or 8,192 tokens, is nested deeper than about 25 brackets,
/// or takes more than a fixed number of steps; also if values are too close to be distinguished, or if sums, integrals
/// or limits differ, unless both are written in the same way with other digits or signs: then they differ.
package struct MathAnswerReward: RewardFunction {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "math-answer", summary: "1 if the response's answer is mathematically equal to the answer, else 0",
    elsewhere: [
      "math", "math_verify", "mathruler", "math_dapo", "math_reward", "prime_math", "gsm8k", "geo3k",
      "math_compute_score",
      "accuracy_reward", "reasoning_accuracy_reward", "accuracy",
    ])

  /// Both sides of the comparison.
  package let reads: Set<Field> = [.response, .answer]
  private let options: MathAnswerOptions

  /// What stands where `extract` looks.
  package var sought: [SoughtAnswer] {
    let what =
      switch options.extract {
      case .automatic, .none: "answer"
      case .boxed: #"\boxed{…}"#
      case .answerTag: "<answer>…</answer>"
      }
    return [SoughtAnswer("\(what); 'extract' is \(options.extract.rawValue)")]
  }

  private let grader: AnswerGrader

  /// Makes the reward.
  package init(options: MathAnswerOptions = MathAnswerOptions(), assembly: Assembly) {
    self.options = options
    grader = AnswerGrader(rules: options.rules)
  }

  /// Compares the two.
  ///
  /// - Throws: When one of them is missing or is not a text.
  package func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    guard let response = try trajectory.value(of: .response) else { throw AnswerFault("has no 'response'") }
    guard let responseText = response.stringValue else {
      throw AnswerFault("'response' is \(response.kindDescription), not a string")
    }
    guard let answer = try trajectory.value(of: .answer) else { throw AnswerFault("has no 'answer'") }
    let accepted = try Self.accepted(answer)
    if accepted.isEmpty { return .abstained("the answer is empty") }
    switch grader.grade(responseText, accepted: accepted) {
    case .nothingFound: return .nothingFound
    case .compared(.equal): return .scored(1)
    case .compared(.different): return .scored(0)
    case .compared(.unknown(let reason)): return options.unknown == .zero ? .scored(0) : .abstained(reason)
    }
  }

  /// The accepted answers, without empty ones.
  private static func accepted(_ answer: JSONValue) throws -> [String] {
    let values = if case .array(let values) = answer { values } else { [answer] }
    let texts = try values.map { value in
      guard let text = value.scalarText else {
        throw AnswerFault("'answer' is \(answer.kindDescription), not a string, a number or an array of them")
      }
      return text
    }
    return texts.filter { $0.utf8.contains { !$0.isSpace } }
  }
}

/// Why a record cannot be scored.
private struct AnswerFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

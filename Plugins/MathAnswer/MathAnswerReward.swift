// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// 1 where the response's answer is mathematically equal to the expected one, else 0.
public struct MathAnswerReward: RewardFunction {
  /// `math-answer`.
  public static let name = "math-answer"
  /// What `describe` says.
  public static let summary = "1 if the response's answer is mathematically equal to the answer, else 0"

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
    let response_ = Array(responseText.utf8)[...]
    let found: [UInt8]?
    switch options.extract {
    case .automatic: found = AnswerPart.automatic(in: response_)
    case .boxed: found = AnswerPart.boxed(in: response_)
    case .answerTag: found = Array(AnswerPart.tagged(in: response_) ?? response_)
    case .none: found = Array(response_)
    }
    guard let found else { return .scored(0) }
    let key = AnswerPart.automatic(in: expected[...]) ?? expected
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

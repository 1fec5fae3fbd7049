// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension Trajectory {
  /// The response's text.
  ///
  /// - Throws: When there is none, or it is no text.
  func responseText() throws -> String {
    guard let value = try value(of: .response) else { throw RewardFault("has no 'response'") }
    guard let text = value.stringValue else {
      throw RewardFault("'response' is \(value.kindDescription), not a string")
    }
    return text
  }

  /// The expected answers, each of which is right: one, or those of a list.
  ///
  /// - Throws: When there is none, or it is an object or holds one.
  func acceptedAnswers() throws -> [String] {
    guard let value = try value(of: .answer) else { throw RewardFault("has no 'answer'") }
    if let text = value.scalarText { return [text] }
    guard case .array(let elements) = value else {
      throw RewardFault("'answer' is \(value.kindDescription), not a string, a number or a list of them")
    }
    if elements.isEmpty { throw RewardFault("'answer' is an empty list, it must name what is right") }
    return try elements.map { element in
      guard let text = element.scalarText else {
        throw RewardFault("'answer' is a list that holds \(element.kindDescription), not only strings and numbers")
      }
      return text
    }
  }
}

extension RewardOutcome {
  /// The best of what the accepted answers give; abstained where all of them do.
  static func best(of answers: [String], _ judge: (ArraySlice<UInt8>) throws -> RewardOutcome) rethrows -> RewardOutcome
  {
    var best: RewardOutcome?
    for answer in answers {
      let outcome = try judge(Array(answer.utf8)[...])
      switch (outcome, best) {
      case (.scored(let score, _), .scored(let highest, _)?) where score <= highest: continue
      case (.abstained, .some): continue
      default: best = outcome
      }
      if case .scored(let score, _) = outcome, score == 1 { break }
    }
    return best ?? .abstained("there is no answer")
  }
}

/// Why a reward function cannot judge a record.
struct RewardFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

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

  /// The expected answer as text.
  ///
  /// - Throws: When there is none, or it is an array or an object.
  func answerText() throws -> String {
    guard let value = try value(of: .answer) else { throw RewardFault("has no 'answer'") }
    guard let text = value.scalarText else {
      throw RewardFault("'answer' is \(value.kindDescription), not a string or a number")
    }
    return text
  }
}

/// Why a reward function cannot judge a record.
struct RewardFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

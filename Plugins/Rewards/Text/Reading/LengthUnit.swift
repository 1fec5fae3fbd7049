// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a response's length is counted in.
package enum LengthUnit: String, Codable, Sendable, CaseIterable {
  /// The tokens of `tokens`.
  case tokens
  /// Unicode scalars of the text.
  case characters
  /// Runs of the text without space.
  case words

  /// What must be there to count.
  var field: Field { self == .tokens ? .tokens : .response }

  /// The length of a trajectory's response.
  ///
  /// - Throws: When what is counted is missing, or of another kind.
  func length(of trajectory: Trajectory) throws -> Int {
    switch self {
    case .tokens: return try trajectory.responseTokens().count
    case .characters: return try trajectory.responseText().unicodeScalars.count
    case .words: return try trajectory.responseText().utf8.split(whereSeparator: \.isSpace).count
    }
  }
}

extension Trajectory {
  /// The response's tokens.
  ///
  /// - Throws: When there are none, or they are no array of token ids.
  func responseTokens() throws -> [Int32] {
    guard let tokens = try tokenIDs(of: .tokens) else { throw RewardFault("has no 'tokens'") }
    return tokens
  }
}

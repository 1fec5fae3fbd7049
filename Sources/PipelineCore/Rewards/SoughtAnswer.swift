// SPDX-License-Identifier: Apache-2.0

/// What a reward function looks for in a response, so that responses without it can be told from wrong ones.
public struct SoughtAnswer: Sendable, Hashable {
  /// The function's name within the one that is asked, such as that of a term of a sum; empty for itself.
  public let function: String
  /// What the responses hold none of, as a sentence goes on after "hold no": `\boxed{…}; 'extract' is boxed`.
  public let description: String

  /// Names what is looked for.
  public init(_ description: String, of function: String = "") {
    self.function = function
    self.description = description
  }

  /// The part that says 0 where nothing was found.
  public static let part = "found"
}

extension RewardOutcome {
  /// A score of 0 because the response does not hold what the function looks for: a part `found` of 0 says so.
  ///
  /// A function that gives it names what it looks for in ``RewardFunction/sought``.
  public static let nothingFound = RewardOutcome.scored(0, parts: [RewardPart(SoughtAnswer.part, 0)])
}

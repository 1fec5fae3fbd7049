// SPDX-License-Identifier: Apache-2.0

/// Computes log-probabilities of given responses: a policy, or the reference that it is compared with.
///
/// Every log-probability is that of the distribution at a temperature, before top-k and top-p.
public protocol LogProbSource: Sendable {
  /// Log-probabilities of given responses: one number for each of their tokens.
  ///
  /// - Parameter temperature: Where they are taken; 0, as of a greedy response, means 1.
  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]]
}

/// A prompt and responses to it: the unit that shares the computation of its prompt.
public struct ResponseGroup: Sendable, Hashable {
  /// The prompt.
  public var prompt: EncodedPrompt
  /// Responses in tokens, with the end token where one was sampled.
  public var responses: [[Int32]]

  /// A prompt and its responses.
  public init(prompt: EncodedPrompt, responses: [[Int32]]) {
    self.prompt = prompt
    self.responses = responses
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Responses that are sampled together, at most, and so are in memory at the same time.
public struct SamplingLoad: Sendable, Hashable {
  /// The prompts; `Int.max` where nobody knows.
  public var prompts: Int
  /// The responses to each prompt.
  public var responsesPerPrompt: Int
  /// The longest response, in tokens.
  public var longestResponse: Int

  /// A load; without arguments what a run samples by default.
  public init(
    prompts: Int = 64, responsesPerPrompt: Int = 8, longestResponse: Int = SamplingOptions().maxTokens
  ) {
    self.prompts = prompts
    self.responsesPerPrompt = responsesPerPrompt
    self.longestResponse = longestResponse
  }
}

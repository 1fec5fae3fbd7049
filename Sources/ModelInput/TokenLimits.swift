// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// What a model can take: checks of requests to a policy, in the same words whatever the policy.
package struct TokenLimits: Sendable, Hashable {
  /// The number of token ids.
  package let vocabularySize: Int
  /// The most tokens of prompt and response together.
  package let contextLength: Int

  /// The limits of a model.
  package init(vocabularySize: Int, contextLength: Int) {
    (self.vocabularySize, self.contextLength) = (vocabularySize, contextLength)
  }

  /// Refuses invalid sampling options, and tokens that the model does not have.
  package func check(_ sampling: SamplingOptions) throws {
    if let problem = sampling.problems().first {
      throw PipelineError(.invalidSpec, "'\(problem.path)' \(problem.message)")
    }
    if let odd = sampling.stopTokens.first(where: { !(0..<vocabularySize).contains($0) }) {
      throw PipelineError(
        .invalidSpec, "'stop_tokens' holds the id \(odd), but the vocabulary ends at \(vocabularySize - 1)")
    }
  }

  /// Refuses an empty prompt, and ids that the model does not have.
  package func check(prompt: [Int32], responses: [[Int32]]) throws {
    guard !prompt.isEmpty else {
      throw PipelineError(.invalidData, "the prompt has no tokens; a policy needs at least one to go on from")
    }
    for (what, ids) in [("prompt", prompt)] + responses.map({ ("response", $0) }) {
      if let odd = ids.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
        throw PipelineError(
          .invalidData, "the \(what) holds the token id \(odd), but the vocabulary ends at \(vocabularySize - 1)")
      }
    }
  }

  /// Refuses a prompt that leaves no room for a response.
  package func checkRoom(after prompt: EncodedPrompt) throws {
    guard prompt.tokens.count >= contextLength else { return }
    throw PipelineError(
      .invalidData,
      "the prompt has \(prompt.tokens.count) tokens, which leaves no room for a response in the model's context of "
        + "\(contextLength); shorten it\(prompt.images.isEmpty ? "" : ", or lower \(ImageSizing.remedyForAll)")"
    )
  }

  /// Refuses a prompt that does not fit the model's context with the longest of its responses.
  package func checkRoom(for group: ResponseGroup) throws {
    let longest = group.responses.map(\.count).max() ?? 0
    guard group.prompt.tokens.count + longest > contextLength else { return }
    throw PipelineError(
      .invalidData,
      "the prompt has \(group.prompt.tokens.count) tokens and its longest response \(longest), together more than "
        + "the model's context of \(contextLength); leave the record out, or shorten it")
  }

  /// The temperature of the logits: greedy responses have the log-probabilities of temperature 1.
  package static func divisor(_ temperature: Double) throws -> Double {
    guard temperature >= 0, temperature.isFinite else {
      throw PipelineError(.invalidSpec, "'temperature' is \(temperature), it must be 0 or more")
    }
    return temperature == 0 ? 1 : temperature
  }
}

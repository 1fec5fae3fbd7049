// SPDX-License-Identifier: Apache-2.0

/// Samples responses to prompts, in tokens or in words.
///
/// A model whose tokens are known takes and returns tokens; see ``TokenResponseSampler``. A model behind a server takes text
/// and returns text, and tokens only if the server shows them.
public protocol ResponseSampler: Sendable {
  /// The form of prompts that it takes.
  var promptForm: PromptForm { get }

  /// Checks whether it supports these options.
  ///
  /// - Throws: Which option it does not support, and what to set instead.
  func check(_ sampling: SamplingOptions) async throws

  /// Checks a prompt without sampling; nil for a prompt that can be used, as far as is known.
  ///
  /// - Throws: Cancellation.
  func fault(
    of prompt: PolicyPrompt, sampling: SamplingOptions, tooLong: RolloutSampler.TooLong
  ) async throws -> PromptFault?

  /// Samples responses: for each request as many as it has seeds, in order.
  ///
  /// - Parameters:
  ///   - tooLong: What to do with prompts that are too long; never ``RolloutSampler/TooLong/cut`` for a sampler that takes
  ///     words.
  ///   - progress: Called from time to time with the number of finished responses, and of tokens if that is known.
  /// - Returns: The outcome of each request, in order.
  /// - Throws: An error that concerns all requests; cancellation.
  func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void
  ) async throws -> [ResponseOutcome]

  /// Samples responses, as ``respond(to:sampling:tooLong:progress:)`` does, and tells of each request as soon as it is
  /// answered.
  ///
  /// - Parameter finished: Gets a request's position and its outcome. A sampler that answers all of them together need not
  ///   call it.
  func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ outcome: ResponseOutcome) -> Void
  ) async throws -> [ResponseOutcome]

  /// Messages for the user about the work since the last call, such as what had to be retried, and why.
  func remarks() async -> [String]
}

extension ResponseSampler {
  /// None.
  public func remarks() async -> [String] { [] }

  /// All together.
  public func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ outcome: ResponseOutcome) -> Void
  ) async throws -> [ResponseOutcome] {
    try await respond(to: requests, sampling: sampling, tooLong: tooLong, progress: progress)
  }
}

/// The form of prompts that a sampler takes.
public enum PromptForm: Sendable, Hashable {
  /// Tokens if a record has them, otherwise words.
  case tokens
  /// Words only.
  case words
}

/// Why a prompt cannot be used.
public enum PromptFault: Sendable, Hashable {
  /// It has more tokens than there is room for; the sentence says so.
  case tooLong(String)
  /// For another reason.
  case unusable(String)
}

/// A prompt to respond to, once for each seed.
public struct ResponseRequest: Sendable, Hashable {
  /// The prompt.
  public var prompt: PolicyPrompt
  /// The seed of each response.
  public var seeds: [UInt64]

  /// A request.
  public init(prompt: PolicyPrompt, seeds: [UInt64]) {
    self.prompt = prompt
    self.seeds = seeds
  }
}

/// The outcome of a request.
public enum ResponseOutcome: Sendable, Hashable {
  /// Its responses, in the order of its seeds.
  case responses([SampledResponse], prompt: RolloutSampler.PromptLength)
  /// The reason for which there are none.
  case fault(PromptFault)
}

/// A sampled response, with what its sampler shows of it.
public struct SampledResponse: Sendable, Hashable {
  /// The text; nil if the model has no tokenizer.
  public var text: String?
  /// Why it ended.
  public var finish: GeneratedResponse.Finish
  /// The seed that was requested for it.
  public var seed: UInt64
  /// Its number among the responses with this seed; nil if it is the only one.
  public var choice: Int?
  /// The model's reasoning, if it is shown apart from the text.
  public var reasoning: String?
  /// Its tokens, if they are shown.
  public var tokens: [Int32]?
  /// The log-probability of each token at the sampling temperature, if it is shown.
  public var logProbs: [Float]?
  /// The tokens of the prompt, if they are shown and were not in the request already.
  public var promptTokens: [Int32]?
  /// The format of the weights that it was sampled with, if log-probabilities are computed with another.
  public var weights: String?

  /// A response with nothing but its text.
  public init(text: String?, finish: GeneratedResponse.Finish, seed: UInt64) {
    self.text = text
    self.finish = finish
    self.seed = seed
  }
}

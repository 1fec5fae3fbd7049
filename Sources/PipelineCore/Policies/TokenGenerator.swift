// SPDX-License-Identifier: Apache-2.0

/// Samples responses token by token, for prompts in tokens.
///
/// Together with a ``TokenCodec`` it makes up a ``TokenResponseSampler``.
public protocol TokenGenerator: Sendable {
  /// Samples responses: for each request as many as it has seeds, in order.
  ///
  /// What a seed gives depends neither on threads nor on time.
  /// - Parameter progress: Called from time to time with the number of finished responses and of tokens so far.
  func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]]

  /// Samples responses, as ``generate(_:sampling:progress:)`` does, and tells of each request as soon as all of its
  /// responses are there.
  ///
  /// - Parameter finished: Gets a request's position and its responses. A generator that makes all of them together need not
  ///   call it.
  func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ responses: [GeneratedResponse]) -> Void
  ) async throws -> [[GeneratedResponse]]
}

extension TokenGenerator {
  /// All together.
  public func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions,
    progress: @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ responses: [GeneratedResponse]) -> Void
  ) async throws -> [[GeneratedResponse]] {
    try await generate(requests, sampling: sampling, progress: progress)
  }
}

/// A prompt to respond to, once for each seed.
public struct GenerationRequest: Sendable, Hashable {
  /// The prompt.
  public var prompt: EncodedPrompt
  /// The seed of each response.
  public var seeds: [UInt64]

  /// A request.
  public init(prompt: EncodedPrompt, seeds: [UInt64]) {
    self.prompt = prompt
    self.seeds = seeds
  }
}

/// A sampled response.
public struct GeneratedResponse: Sendable, Hashable {
  /// Why a response ended.
  public enum Finish: String, Sendable, CaseIterable {
    /// An end token or a stop text.
    case stop
    /// The most tokens allowed.
    case length
  }

  /// Its tokens, the end token included where one was sampled.
  public var tokens: [Int32]
  /// The log-probability of each token at the sampling temperature.
  public var logProbs: [Float]
  /// Why it ended.
  public var finish: Finish

  /// A response.
  public init(tokens: [Int32], logProbs: [Float], finish: Finish) {
    self.tokens = tokens
    self.logProbs = logProbs
    self.finish = finish
  }
}

/// How generation gets on.
public struct GenerationProgress: Sendable, Hashable {
  /// Finished responses.
  public var responses: Int
  /// Sampled tokens.
  public var tokens: Int
  /// Why it may be slow just now, in a few words, such as that a server is asked again; nil for no reason.
  public var note: String?

  /// A count.
  public init(responses: Int, tokens: Int, note: String? = nil) {
    self.responses = responses
    self.tokens = tokens
    self.note = note
  }

  /// What follows a count on a progress line: ` · NOTE`, or nothing.
  public var remark: String { note.map { " · \($0)" } ?? "" }
}

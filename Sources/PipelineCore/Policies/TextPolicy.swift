// SPDX-License-Identifier: Apache-2.0

/// A policy that is asked in words and answers in words, such as a model behind a server.
///
/// It shows no tokens, or only those of its responses, so that it can be sampled from and nothing else: a backend of such
/// policies offers ``PolicyNeed/generation`` alone. ``RolloutSampler`` works with it as with any other policy.
public protocol TextPolicy: Policy {
  /// Looks whether the policy takes such sampling.
  ///
  /// - Throws: What it does not take, and what to set instead.
  func check(_ sampling: SamplingOptions) throws

  /// Looks whether a prompt can be asked, without asking it: its form, and its images.
  ///
  /// - Throws: What is wrong with the prompt.
  func check(_ prompt: PolicyPrompt) async throws

  /// Samples responses: for each request as many as it has seeds, in order.
  ///
  /// - Parameter progress: Called now and then with the number of finished responses, and of tokens where that is known.
  /// - Returns: What became of each request, in order.
  /// - Throws: What is wrong with all requests; cancellation.
  func respond(
    to requests: [TextRequest], sampling: SamplingOptions, progress: @escaping @Sendable (GenerationProgress) -> Void
  ) async throws -> [TextOutcome]

  /// What a person should know of the work since this was last asked: what had to be tried again, and why.
  func remarks() async -> [String]
}

extension TextPolicy {
  /// None.
  public func encode(_ prompt: PolicyPrompt) async throws -> EncodedPrompt { throw showsNoTokens }

  /// None.
  public func encode(response: String, finish: GeneratedResponse.Finish) async throws -> [Int32] {
    throw showsNoTokens
  }

  /// None.
  public func decode(_ tokens: [Int32]) async throws -> String { throw showsNoTokens }

  /// None in tokens; see ``respond(to:sampling:progress:)``.
  public func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions, progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [[GeneratedResponse]] { throw showsNoTokens }

  /// None.
  public func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    throw showsNoTokens
  }

  /// None.
  public func accumulate(
    _ groups: [ResponseGroup], temperature: Double, gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) async throws { throw showsNoTokens }

  /// None.
  public func step(_ step: OptimizerStep) async throws -> OptimizerReport { throw showsNoTokens }

  /// Nothing that could be saved.
  public func save(to folder: String) async throws { throw showsNoTokens }

  private var showsNoTokens: PipelineError {
    PipelineError(
      .invalidSpec,
      "this policy answers in words and shows no weights; sample from it, and train another policy on what it answered")
  }
}

/// A prompt to respond to in words, once for each seed.
public struct TextRequest: Sendable, Hashable {
  /// The prompt, as messages.
  public var prompt: PolicyPrompt
  /// The seed of each response.
  public var seeds: [UInt64]

  /// A request.
  public init(prompt: PolicyPrompt, seeds: [UInt64]) {
    self.prompt = prompt
    self.seeds = seeds
  }
}

/// What became of a request.
public enum TextOutcome: Sendable, Hashable {
  /// Its responses, in the order of its seeds.
  case responses([TextResponse])
  /// The prompt is longer than the model takes, in the words of whoever says so.
  case tooLong(String)
  /// It could not be answered, and why.
  case failed(String)
}

/// A response in words.
public struct TextResponse: Sendable, Hashable {
  /// The text.
  public var text: String
  /// Why it ended.
  public var finish: GeneratedResponse.Finish
  /// The seed that its draw was asked for with.
  public var seed: UInt64
  /// Its number among those that were drawn with this seed; nil where there is no other.
  public var choice: Int?
  /// What the model thought, where it is shown apart from the text.
  public var reasoning: String?
  /// Its tokens, where they are shown.
  public var tokens: [Int32]?
  /// The log-probability of each token at the sampling temperature, where it is shown.
  public var logProbs: [Float]?
  /// The tokens of the prompt, where they are shown.
  public var promptTokens: [Int32]?

  /// A response of which nothing is known but the text.
  public init(text: String, finish: GeneratedResponse.Finish, seed: UInt64) {
    self.text = text
    self.finish = finish
    self.seed = seed
  }
}

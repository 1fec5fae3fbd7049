// SPDX-License-Identifier: Apache-2.0

/// Samples responses with a model that takes and returns tokens.
///
/// A prompt that cannot be used, or whose images cannot, does not affect the others.
public struct TokenResponseSampler: ResponseSampler {
  private let codec: any TokenCodec
  private let generator: any TokenGenerator

  /// A sampler.
  public init(codec: any TokenCodec, generator: any TokenGenerator) {
    (self.codec, self.generator) = (codec, generator)
  }

  /// Tokens if a record has them.
  public var promptForm: PromptForm { .tokens }

  /// Checks whether there is room for a prompt, and whether stop texts and stop tokens can be found.
  public func check(_ sampling: SamplingOptions) async throws {
    let facts = await codec.facts
    if sampling.maxTokens >= facts.contextLength {
      throw PipelineError(
        .invalidSpec,
        "responses of \(sampling.maxTokens) tokens leave no room for a prompt in the model's context of "
          + "\(facts.contextLength); lower \(sampling.nameOfMaxTokens)")
    }
    if !sampling.stop.isEmpty, facts.tokenizer == .absent {
      throw PipelineError(.invalidSpec, "the model has no tokenizer to find stop texts with; name stop tokens instead")
    }
    if let odd = sampling.stopTokens.first(where: { !(0..<facts.vocabularySize).contains($0) }) {
      throw PipelineError(
        .invalidSpec, "the stop token \(odd) is none of the model's, whose ids lie in 0..<\(facts.vocabularySize)")
    }
  }

  /// Checks a prompt, its images and its length.
  public func fault(
    of prompt: PolicyPrompt, sampling: SamplingOptions, tooLong: RolloutSampler.TooLong
  ) async throws -> PromptFault? {
    try Task.checkCancellation()
    switch try await encoded(prompt, await codec.facts, sampling, tooLong) {
    case .success: return nil
    case .failure(let fault): return fault.fault
    }
  }

  /// Samples responses to all usable prompts together.
  public func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void
  ) async throws -> [ResponseOutcome] {
    try await respond(to: requests, sampling: sampling, tooLong: tooLong, progress: progress) { _, _ in }
  }

  /// Samples responses to all usable prompts together, and tells of each as early as the generator does.
  ///
  /// Only a codec that decodes while its model generates can tell early; others tell when all are there.
  public func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ outcome: ResponseOutcome) -> Void
  ) async throws -> [ResponseOutcome] {
    let facts = await codec.facts
    var outcomes = [ResponseOutcome](repeating: .responses([], prompt: .whole), count: requests.count)
    var ready: [Ready] = []
    for (index, request) in requests.enumerated() {
      try Task.checkCancellation()
      switch try await encoded(request.prompt, facts, sampling, tooLong) {
      case .success(let prompt):
        ready.append(
          Ready(
            index: index, length: prompt.length,
            request: GenerationRequest(prompt: prompt.prompt, seeds: request.seeds)))
      case .failure(let fault): outcomes[index] = .fault(fault.fault)
      }
    }
    @Sendable func shown(_ found: [GeneratedResponse], _ ready: Ready) async throws -> ResponseOutcome {
      var responses: [SampledResponse] = []
      for (response, seed) in zip(found, ready.request.seeds) {
        responses.append(try await self.shown(response, seed, requests[ready.index].prompt, ready, facts, sampling))
      }
      return .responses(responses, prompt: ready.length)
    }
    let (stream, early) = AsyncStream.makeStream(of: (place: Int, responses: [GeneratedResponse]).self)
    let told = ready
    async let telling: [Int: ResponseOutcome] = {
      var known: [Int: ResponseOutcome] = [:]
      for await (place, responses) in stream {
        // What is wrong with a response is said below, when all are there.
        guard let outcome = try? await shown(responses, told[place]) else { continue }
        known[told[place].index] = outcome
        finished(told[place].index, outcome)
      }
      return known
    }()
    let results: [Result<[GeneratedResponse], PipelineError>]
    do {
      defer { early.finish() }
      results = try await responses(to: ready, sampling, progress) { early.yield(($0, $1)) }
    }
    let known = await telling
    for (ready, found) in zip(ready, results) {
      switch found {
      case .failure(let error): outcomes[ready.index] = .fault(.unusable(error.description))
      case .success(let found):
        if let outcome = known[ready.index] {
          outcomes[ready.index] = outcome
        } else {
          outcomes[ready.index] = try await shown(found, ready)
        }
      }
    }
    return outcomes
  }

  /// A prompt that can be used.
  private struct Ready {
    let index: Int
    let length: RolloutSampler.PromptLength
    let request: GenerationRequest
  }

  private struct Fault: Error {
    let fault: PromptFault
  }

  private func encoded(
    _ prompt: PolicyPrompt, _ facts: PolicyFacts, _ sampling: SamplingOptions, _ tooLong: RolloutSampler.TooLong
  ) async throws -> Result<(prompt: EncodedPrompt, length: RolloutSampler.PromptLength), Fault> {
    let encoded: EncodedPrompt
    do {
      encoded = try await codec.encode(prompt)
    } catch let error as PipelineError where error.isAboutARecord {
      return .failure(Fault(fault: .unusable(error.description)))
    }
    let room = facts.contextLength - sampling.maxTokens
    let isShorter = sampling.maxPromptTokens > 0 && sampling.maxPromptTokens < room
    let limit = isShorter ? sampling.maxPromptTokens : room
    if encoded.tokens.count <= limit { return .success((encoded, .whole)) }
    let message =
      "the prompt has \(encoded.tokens.count) tokens; "
      + (isShorter
        ? "max_prompt_tokens allows \(limit)"
        : "the model's context of \(facts.contextLength) has room for \(limit) beside a response of \(sampling.maxTokens)")
    guard tooLong == .cut else {
      let pixels = encoded.images.isEmpty ? "" : (isShorter ? ", lower " : " or ") + ImageSizing.remedyForAll
      let option = isShorter ? "raise max_prompt_tokens" : "lower \(sampling.nameOfMaxTokens)"
      let remedy = "shorten it, \(option)\(pixels), or cut such prompts"
      return .failure(Fault(fault: .tooLong("\(message); \(remedy)")))
    }
    guard let shorter = encoded.shortened(to: limit, marks: facts.markTokens) else {
      let reason =
        "and what must stay of it takes more; lower \(sampling.nameOfMaxTokens) or \(ImageSizing.remedyForAll)"
      return .failure(Fault(fault: .unusable("\(message), \(reason)")))
    }
    return .success((shorter, .cut))
  }

  /// Generates for all at once; if that fails, one by one, to find the faulty one.
  private func responses(
    to ready: [Ready], _ sampling: SamplingOptions, _ progress: @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ place: Int, _ responses: [GeneratedResponse]) -> Void
  ) async throws -> [Result<[GeneratedResponse], PipelineError>] {
    if ready.isEmpty { return [] }
    do {
      let found = try await generator.generate(
        ready.map(\.request), sampling: sampling, progress: progress, finished: finished)
      guard found.count == ready.count, zip(found, ready).allSatisfy({ $0.count == $1.request.seeds.count }) else {
        throw PipelineError(.plugIn, "the policy gave another number of responses than it was asked for")
      }
      return found.map { .success($0) }
    } catch let error as PipelineError where error.isAboutARecord {
      if ready.count == 1 { return [.failure(error)] }
      var results: [Result<[GeneratedResponse], PipelineError>] = []
      for one in ready { results += try await responses(to: [one], sampling, progress) { _, _ in } }
      return results
    }
  }

  private func shown(
    _ response: GeneratedResponse, _ seed: UInt64, _ prompt: PolicyPrompt, _ ready: Ready, _ facts: PolicyFacts,
    _ sampling: SamplingOptions
  ) async throws -> SampledResponse {
    var shown = SampledResponse(text: nil, finish: response.finish, seed: seed)
    shown.weights = facts.samplingWeights
    if facts.tokenizer == .present {
      var words = response.tokens[...]
      // An end token that the tokenizer takes for text is no part of the response's text.
      if response.finish == .stop, let last = words.last, sampling.stopTokens.contains(Int(last)) {
        words = words.dropLast()
      }
      shown.text = try await codec.decode(Array(words))
    }
    (shown.tokens, shown.logProbs) = (response.tokens, response.logProbs)
    if case .tokens = prompt.content, ready.length == .whole { return shown }
    shown.promptTokens = ready.request.prompt.tokens
    return shown
  }
}

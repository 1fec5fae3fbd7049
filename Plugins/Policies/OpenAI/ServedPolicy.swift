// SPDX-License-Identifier: Apache-2.0
import ModelServers
import PipelineCore
import Synchronization

/// A model behind a server.
final class ServedPolicy: ResponseSampler {
  private let options: OpenAIPolicyBackend.Options
  private let client: ChatClient
  private let media: MediaAccess

  init(_ options: OpenAIPolicyBackend.Options, client: ChatClient, media: MediaAccess) {
    (self.options, self.client, self.media) = (options, client, media)
  }

  var promptForm: PromptForm { .words }

  func check(_ sampling: SamplingOptions) throws {
    if sampling.maxPromptTokens > 0 {
      throw PipelineError(
        .invalidSpec,
        "max_prompt_tokens is \(sampling.maxPromptTokens), and a server does not show the tokens of prompts; set it to 0"
      )
    }
    let isWhole = sampling.topP == 1 && sampling.topK == 0
    switch options.logprobs {
    case .none: break
    case .raw where sampling.temperature != 1:
      throw PipelineError(
        .invalidSpec,
        "raw log-probabilities are those at temperature 1, and responses are drawn at \(sampling.temperature); start the "
          + "server with --logprobs-mode processed_logprobs and set logprobs to 'processed', or set it to 'none'")
    case .processed where !isWhole || sampling.temperature == 0:
      throw PipelineError(
        .invalidSpec,
        "processed log-probabilities are those after top_p and top_k, and greedy ones say nothing; set top_p to 1, top_k to "
          + "0 and a temperature, or logprobs to 'none'")
    default: break
    }
  }

  func fault(
    of prompt: PolicyPrompt, sampling: SamplingOptions, tooLong: RolloutSampler.TooLong
  ) async throws -> PromptFault? {
    do {
      _ = try ChatMessages.messages(of: prompt, media)
      return nil
    } catch let error as PipelineError where error.isAboutARecord {
      return .unusable(error.description)
    }
  }

  func remarks() async -> [String] { client.remarks() }

  func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void
  ) async throws -> [ResponseOutcome] {
    try await respond(to: requests, sampling: sampling, tooLong: tooLong, progress: progress) { _, _ in }
  }

  func respond(
    to requests: [ResponseRequest], sampling: SamplingOptions, tooLong: RolloutSampler.TooLong,
    progress: @escaping @Sendable (GenerationProgress) -> Void,
    finished: @escaping @Sendable (_ request: Int, _ outcome: ResponseOutcome) -> Void
  ) async throws -> [ResponseOutcome] {
    let count = ProgressCount(progress)
    return try await withThrowingTaskGroup(of: (Int, ResponseOutcome).self) { tasks in
      for (index, request) in requests.enumerated() {
        tasks.addTask { (index, try await self.outcome(of: request, sampling, count)) }
      }
      var outcomes = [ResponseOutcome](repeating: .fault(.unusable("it was not asked")), count: requests.count)
      for try await (index, outcome) in tasks {
        outcomes[index] = outcome
        finished(index, outcome)
      }
      return outcomes
    }
  }

  private func outcome(
    of request: ResponseRequest, _ sampling: SamplingOptions, _ count: ProgressCount
  ) async throws -> ResponseOutcome {
    do {
      return .responses(try await responses(to: request, sampling, count), prompt: .whole)
    } catch ServerFault.request(let message) {
      return .fault(.unusable(message))
    } catch ServerFault.tooLong(let message) {
      return .fault(.tooLong(message))
    } catch ServerFault.server(let message) {
      throw PipelineError(.server, message)
    } catch let error as PipelineError where error.isAboutARecord {
      return .fault(.unusable(error.description))
    }
  }

  /// All responses: in one request, then one by one those that it did not return.
  private func responses(
    to request: ResponseRequest, _ sampling: SamplingOptions, _ count: ProgressCount
  ) async throws -> [SampledResponse] {
    let seeds = request.seeds
    var found: [SampledResponse] = []
    if options.choices == .together, seeds.count > 1 {
      found = try await ask(request.prompt, seed: seeds[0], count: seeds.count, sampling, count)
    }
    if found.count == seeds.count { return found }
    return try await withThrowingTaskGroup(of: (Int, [SampledResponse]).self) { tasks in
      for index in found.count..<seeds.count {
        tasks.addTask { (index, try await self.ask(request.prompt, seed: seeds[index], count: 1, sampling, count)) }
      }
      var rest = [[SampledResponse]](repeating: [], count: seeds.count)
      for try await (index, responses) in tasks { rest[index] = responses }
      return found + rest.flatMap { $0 }
    }
  }

  private func ask(
    _ prompt: PolicyPrompt, seed: UInt64, count: Int, _ sampling: SamplingOptions, _ progress: ProgressCount
  ) async throws -> [SampledResponse] {
    // Not every server accepts more than 31 bits.
    let seed = seed & 0x7FFF_FFFF
    let answer = try await client.answer {
      var request = ChatRequest(messages: try ChatMessages.messages(of: prompt, media), sampling: sampling)
      if case .messages(let messages) = prompt.content {
        request.continuesLastMessage = ChatMessage.endInAnswer(messages)
      }
      request.seed = options.seeds == .send ? seed : nil
      request.draw = seed
      request.count = count
      request.wantsLogProbs = options.logprobs != .none
      request.wantsTokens = options.tokens != .none
      return request
    } retried: {
      progress.note($0)
    }
    let responses = try answer.choices.prefix(count).enumerated().map { index, choice in
      try response(choice, of: answer, seed: seed, choice: count > 1 ? index : nil)
    }
    progress.add(responses: responses.count, tokens: answer.tokenCount)
    return responses
  }

  private func response(
    _ choice: ChatAnswer.Choice, of answer: ChatAnswer, seed: UInt64, choice number: Int?
  ) throws -> SampledResponse {
    guard let finish = Self.finish(choice.finish) else {
      throw ServerFault.request(
        choice.finish.isEmpty
          ? "the server does not say why a response ended"
          : "the server ended a response with \(choice.finish.quotedForMessage), which is no response")
    }
    var response = SampledResponse(text: choice.text, finish: finish, seed: seed)
    (response.choice, response.reasoning) = (number, choice.reasoning)
    if options.tokens != .none {
      guard let tokens = choice.tokens else {
        throw ServerFault.server(
          "the server gives no token ids; vLLM does (0.10.2 and newer), for others set tokens and logprobs to 'none'")
      }
      (response.tokens, response.promptTokens) = (tokens, answer.promptTokens)
    }
    if options.logprobs != .none {
      guard let logProbs = choice.logProbs else {
        throw ServerFault.server("the server gives no log-probabilities; set logprobs to 'none', or allow them there")
      }
      guard logProbs.count == response.tokens?.count else {
        throw ServerFault.request(
          "the server gives \(logProbs.count) log-probabilities for \(response.tokens?.count ?? 0) tokens")
      }
      response.logProbs = logProbs
    }
    return response
  }

  /// The words that servers use for the two ways in which a response ends.
  private static func finish(_ word: String) -> GeneratedResponse.Finish? {
    switch word {
    case "stop", "eos", "eos_token", "stop_sequence", "end_turn": .stop
    case "length", "max_tokens": .length
    default: nil
    }
  }
}

/// Counts what is done.
private final class ProgressCount: Sendable {
  private let done = Mutex(GenerationProgress(responses: 0, tokens: 0))
  private let progress: @Sendable (GenerationProgress) -> Void

  init(_ progress: @escaping @Sendable (GenerationProgress) -> Void) { self.progress = progress }

  func add(responses: Int, tokens: Int) {
    let now = done.withLock { done in
      done.responses += responses
      done.tokens += tokens
      done.note = nil
      return done
    }
    progress(now)
  }

  func note(_ text: String) {
    progress(
      done.withLock { done in
        done.note = text
        return done
      })
  }
}

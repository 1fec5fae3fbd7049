// SPDX-License-Identifier: Apache-2.0

/// Makes rollouts of prompt records with a policy.
///
/// A rollout is its prompt's record under the id `GROUP/INDEX`, with `prompt_tokens`, `response` (where the policy has a
/// tokenizer), `tokens`, `logprobs`, `finish` and `sampling` set; of a ``TextPolicy``, with what it shows. Each has a seed of its own; see
/// ``PhiloxGenerator/rolloutSeed(run:prompt:index:step:)``.
public struct RolloutSampler: Sendable {
  /// How rollouts are made.
  public struct Options: Sendable {
    /// How tokens are drawn.
    public var sampling = SamplingOptions()
    /// Rollouts of each prompt.
    public var count = 1
    /// The seed of the run.
    public var seed: UInt64 = 1
    /// The training step, which seeds depend on.
    public var step = 0
    /// What becomes of a prompt that leaves no room for the longest response in the policy's context.
    public var tooLong = TooLong.error

    /// One rollout of each prompt.
    public init() {}
  }

  /// What becomes of prompts that are too long.
  public enum TooLong: String, Sendable, CaseIterable {
    /// They are bad records.
    case error
    /// They are left out.
    case skip
    /// They lose text, never an image; see ``EncodedPrompt/shortened(to:marks:)``.
    case cut
  }

  /// What became of a prompt.
  public enum Outcome: Sendable {
    /// Its rollouts, in order; `isCut` where its text was shortened for them.
    case rollouts([Trajectory], prompt: PromptLength)
    /// It could not be used, and why.
    case failed(String)
    /// It is too long, and was to be left out.
    case skipped
  }

  /// Whether a prompt was used whole.
  public enum PromptLength: Sendable {
    /// As it is.
    case whole
    /// With less text.
    case cut
  }

  private let policy: any Policy
  let options: Options

  /// A sampler.
  public init(policy: any Policy, options: Options) {
    self.policy = policy
    self.options = options
  }

  /// Makes the rollouts of prompts together, and says what became of each prompt, in order.
  ///
  /// What is wrong with one prompt or its images is that prompt's failure alone.
  /// - Parameters:
  ///   - folder: The folder that relative paths of a prompt's images start from.
  ///   - progress: Hears how many responses and tokens there are so far.
  /// - Throws: What is wrong with all of them: options that the policy does not take, cancellation.
  public func rollouts(
    of prompts: [Trajectory], folder: (Trajectory) -> String = { _ in "" },
    progress: @escaping @Sendable (GenerationProgress) -> Void = { _ in }
  ) async throws -> [Outcome] {
    if let policy = policy as? any TextPolicy {
      return try await rollouts(of: prompts, from: policy, folder: folder, progress: progress)
    }
    let facts = await policy.facts
    try check(facts)
    var outcomes = [Outcome](repeating: .skipped, count: prompts.count)
    var ready: [Ready] = []
    for (index, prompt) in prompts.enumerated() {
      try Task.checkCancellation()
      do {
        let (encoded, length) = try await encoded(prompt, folder(prompt), facts)
        let request = GenerationRequest(prompt: encoded, seeds: seeds(of: prompt))
        ready.append(Ready(index: index, length: length, request: request))
      } catch is TooLongToUse {
        continue
      } catch let error as PipelineError where error.isAboutARecord {
        outcomes[index] = .failed(error.description)
      }
    }
    for (ready, responses) in zip(ready, try await responses(to: ready, progress)) {
      switch responses {
      case .failure(let error): outcomes[ready.index] = .failed(error.description)
      case .success(let responses):
        var rollouts: [Trajectory] = []
        for (number, response) in responses.enumerated() {
          rollouts.append(try await rollout(number, of: prompts[ready.index], ready, response, facts))
        }
        outcomes[ready.index] = .rollouts(rollouts, prompt: ready.length)
      }
    }
    return outcomes
  }

  /// Why a prompt cannot be responded to, or nil when it can, or when it is to be left out; generates nothing.
  ///
  /// It finds what ``rollouts(of:folder:progress:)`` would find wrong with the prompt and its images.
  /// - Parameter folder: The folder that relative paths of its images start from.
  /// - Throws: Options that the policy does not take, cancellation.
  public func fault(of prompt: Trajectory, folder: String = "") async throws -> String? {
    if let policy = policy as? any TextPolicy { return try await fault(of: prompt, for: policy, folder: folder) }
    let facts = await policy.facts
    try check(facts)
    try Task.checkCancellation()
    do {
      _ = try await encoded(prompt, folder, facts)
    } catch is TooLongToUse {
      return nil
    } catch let error as PipelineError where error.isAboutARecord {
      return error.description
    }
    return nil
  }

  /// A prompt that can be used.
  private struct Ready {
    let index: Int
    let length: PromptLength
    let request: GenerationRequest
  }

  private struct TooLongToUse: Error {}

  /// The seed of each rollout of a prompt.
  func seeds(of prompt: Trajectory) -> [UInt64] {
    (0..<options.count).map {
      PhiloxGenerator.rolloutSeed(run: options.seed, prompt: prompt.group, index: $0, step: options.step)
    }
  }

  private func check(_ facts: PolicyFacts) throws {
    if options.sampling.maxTokens >= facts.contextLength {
      throw PipelineError(
        .invalidSpec,
        "responses of \(options.sampling.maxTokens) tokens leave no room for a prompt in the model's context of "
          + "\(facts.contextLength); lower max_tokens")
    }
    if !options.sampling.stop.isEmpty, facts.tokenizer == .absent {
      throw PipelineError(.invalidSpec, "the model has no tokenizer to find stop texts with; name stop tokens instead")
    }
    if let odd = options.sampling.stopTokens.first(where: { !(0..<facts.vocabularySize).contains($0) }) {
      throw PipelineError(
        .invalidSpec, "the stop token \(odd) is none of the model's, whose ids lie in 0..<\(facts.vocabularySize)")
    }
  }

  private func encoded(
    _ prompt: Trajectory, _ folder: String, _ facts: PolicyFacts
  ) async throws -> (EncodedPrompt, PromptLength) {
    let encoded = try await policy.encode(PolicyPrompt(prompt, folder: folder))
    let limit = facts.contextLength - options.sampling.maxTokens
    if encoded.tokens.count <= limit { return (encoded, .whole) }
    let message =
      "the prompt has \(encoded.tokens.count) tokens; the model's context of \(facts.contextLength) has room for "
      + "\(limit) beside a response of \(options.sampling.maxTokens)"
    switch options.tooLong {
    case .skip: throw TooLongToUse()
    case .error:
      throw PipelineError(
        .invalidData, "\(message); shorten it, lower max_tokens or the images' max_pixels, or cut such prompts")
    case .cut:
      guard let shorter = encoded.shortened(to: limit, marks: facts.markTokens) else {
        throw PipelineError(
          .invalidData, "\(message), and its images alone take more; lower max_tokens or the images' max_pixels")
      }
      return (shorter, .cut)
    }
  }

  /// Asks for all at once; where that fails, for one after the other, to find the one that is to blame.
  private func responses(
    to ready: [Ready], _ progress: @Sendable (GenerationProgress) -> Void
  ) async throws -> [Result<[GeneratedResponse], PipelineError>] {
    if ready.isEmpty { return [] }
    do {
      let found = try await policy.generate(ready.map(\.request), sampling: options.sampling, progress: progress)
      guard found.count == ready.count, zip(found, ready).allSatisfy({ $0.count == $1.request.seeds.count }) else {
        throw PipelineError(.plugIn, "the policy gave another number of responses than it was asked for")
      }
      return found.map { .success($0) }
    } catch let error as PipelineError where error.isAboutARecord {
      if ready.count == 1 { return [.failure(error)] }
      var results: [Result<[GeneratedResponse], PipelineError>] = []
      for one in ready { results += try await responses(to: [one], progress) }
      return results
    }
  }

  private func rollout(
    _ number: Int, of prompt: Trajectory, _ ready: Ready, _ response: GeneratedResponse, _ facts: PolicyFacts
  ) async throws -> Trajectory {
    let encoded = ready.request.prompt
    var rollout = prompt.rollout(id: "\(prompt.group)/\(number)")
    if try ready.length == .cut || prompt.tokenIDs(of: .promptTokens) == nil {
      rollout.set(.promptTokens, to: .tokenIDs(encoded.tokens))
    }
    if facts.tokenizer == .present {
      var words = response.tokens[...]
      // An end token that the tokenizer takes for text is no part of the response's text.
      if response.finish == .stop, let last = words.last, options.sampling.stopTokens.contains(Int(last)) {
        words = words.dropLast()
      }
      rollout.set(.response, to: .string(try await policy.decode(Array(words))))
    }
    rollout.set(.tokens, to: .tokenIDs(response.tokens))
    rollout.set(.logprobs, to: .floats(response.logProbs))
    rollout.set(.finish, to: .string(response.finish.rawValue))
    rollout.set(.sampling, to: options.sampling.json(seed: ready.request.seeds[number]))
    return rollout
  }
}

extension PipelineError {
  /// Whether it can be the fault of one record: its data or a file that it names.
  var isAboutARecord: Bool { code == .invalidData || code == .inputOutput }
}

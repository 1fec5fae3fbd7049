// SPDX-License-Identifier: Apache-2.0

/// Rollouts of a policy that answers in words.
extension RolloutSampler {
  /// Makes the rollouts of prompts together; what the policy does not show, such as tokens, they do not have.
  func rollouts(
    of prompts: [Trajectory], from policy: any TextPolicy, folder: (Trajectory) -> String,
    progress: @escaping @Sendable (GenerationProgress) -> Void
  ) async throws -> [Outcome] {
    try check(policy)
    var outcomes = [Outcome](repeating: .skipped, count: prompts.count)
    var asked: [Int] = []
    var requests: [TextRequest] = []
    for (index, prompt) in prompts.enumerated() {
      do {
        let words = try PolicyPrompt(wordsOf: prompt, folder: folder(prompt))
        requests.append(TextRequest(prompt: words, seeds: seeds(of: prompt)))
        asked.append(index)
      } catch let error as PipelineError where error.isAboutARecord {
        outcomes[index] = .failed(error.description)
      }
    }
    if requests.isEmpty { return outcomes }
    let answers = try await policy.respond(to: requests, sampling: options.sampling, progress: progress)
    guard answers.count == requests.count else {
      throw PipelineError(.plugIn, "the policy answered \(answers.count) of \(requests.count) requests")
    }
    for (index, answer) in zip(asked, answers) {
      switch answer {
      case .responses(let responses):
        guard responses.count == options.count else {
          throw PipelineError(.plugIn, "the policy gave another number of responses than it was asked for")
        }
        let rollouts = responses.enumerated().map { rollout($0, of: prompts[index], $1) }
        outcomes[index] = .rollouts(rollouts, prompt: .whole)
      case .tooLong(let reason): if options.tooLong == .error { outcomes[index] = .failed(reason) }
      case .failed(let reason): outcomes[index] = .failed(reason)
      }
    }
    return outcomes
  }

  /// Why a prompt cannot be asked, as far as that is known without asking.
  func fault(of prompt: Trajectory, for policy: any TextPolicy, folder: String) async throws -> String? {
    try check(policy)
    do {
      try await policy.check(PolicyPrompt(wordsOf: prompt, folder: folder))
    } catch let error as PipelineError where error.isAboutARecord {
      return error.description
    }
    return nil
  }

  private func check(_ policy: any TextPolicy) throws {
    if options.tooLong == .cut {
      throw PipelineError(
        .invalidSpec,
        "only a policy that shows its tokens can cut prompts that are too long; set too_long to 'error' or 'skip'")
    }
    try policy.check(options.sampling)
  }

  private func rollout(_ number: Int, of prompt: Trajectory, _ response: TextResponse) -> Trajectory {
    var rollout = prompt.rollout(id: "\(prompt.group)/\(number)")
    if let tokens = response.promptTokens { rollout.set(.promptTokens, to: .tokenIDs(tokens)) }
    rollout.set(.response, to: .string(response.text))
    if let reasoning = response.reasoning { rollout.set(Field("reasoning"), to: .string(reasoning)) }
    if let tokens = response.tokens { rollout.set(.tokens, to: .tokenIDs(tokens)) }
    if let logProbs = response.logProbs { rollout.set(.logprobs, to: .floats(logProbs)) }
    rollout.set(.finish, to: .string(response.finish.rawValue))
    var sampling = options.sampling.json(seed: response.seed).objectValue ?? []
    if let choice = response.choice { sampling.append(.init("choice", .number(choice))) }
    rollout.set(.sampling, to: .object(sampling))
    return rollout
  }
}

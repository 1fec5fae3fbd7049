// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Makes rollouts of prompt records with a policy.
///
/// A rollout is its prompt's record under the id `GROUP/INDEX`, with `prompt_tokens`, `response` (where the policy has a
/// tokenizer), `tokens`, `logprobs`, `finish` and `sampling` set, as far as its sampler shows them. Each has a seed of its
/// own; see ``PhiloxGenerator/rolloutSeed(run:prompt:index:step:)``.
public struct RolloutSampler: Sendable {
  /// How rollouts are made.
  public struct Options: Sendable {
    /// How tokens are drawn.
    public var sampling = SamplingOptions()
    /// Rollouts of each prompt.
    public var count = 1
    /// The number of the first rollout of a prompt, where others come before it.
    public var firstIndex = 0
    /// What is done to the image at a place of a group's prompt; nil for nothing.
    ///
    /// The rollouts say so in `sampling.images`.
    public var imageChange: (@Sendable (_ group: String, _ place: Int) -> ImageChange)?
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

  private let sampler: any ResponseSampler
  private let options: Options

  /// A sampler.
  public init(sampler: any ResponseSampler, options: Options) {
    self.sampler = sampler
    self.options = options
  }

  /// Makes the rollouts of prompts together, and says what became of each prompt, in order.
  ///
  /// What is wrong with one prompt or its images is that prompt's failure alone.
  /// - Parameters:
  ///   - folder: The folder that relative paths of a prompt's images start from.
  ///   - wave: Which rollouts of a prompt to make, or none; nil for the first `count`. A rollout has the same seed in any wave.
  ///   - progress: Hears how many responses and tokens there are so far.
  ///   - finished: Gets the position of a prompt and its rollouts, once, as soon as they are there.
  /// - Throws: What is wrong with all of them: options that the policy does not take, cancellation.
  public func rollouts(
    of prompts: [Trajectory], folder: (Trajectory) -> String = { _ in "" },
    in wave: RolloutWave? = nil, progress: @escaping @Sendable (GenerationProgress) -> Void = { _ in },
    finished: (@Sendable (_ prompt: Int, _ rollouts: [Trajectory]) -> Void)? = nil
  ) async throws -> [Outcome] {
    try await check()
    let ranges = prompts.map { wave?.numbers(of: $0.group) ?? options.firstIndex..<options.firstIndex + options.count }
    var outcomes = [Outcome](repeating: .skipped, count: prompts.count)
    var asked: [Int] = []
    var requests: [ResponseRequest] = []
    for (index, prompt) in prompts.enumerated() {
      if ranges[index].isEmpty {
        outcomes[index] = .rollouts([], prompt: .whole)
        continue
      }
      do {
        requests.append(
          ResponseRequest(prompt: try form(prompt, folder(prompt)), seeds: seeds(of: prompt, ranges[index])))
        asked.append(index)
      } catch let error as PipelineError where error.isAboutARecord {
        outcomes[index] = .failed(error.description)
      }
    }
    if requests.isEmpty { return outcomes }
    let (positions, numbers) = (asked, asked.map { ranges[$0] })
    let told = Mutex(Set<Int>())
    @Sendable func tell(_ request: Int, _ outcome: Outcome) {
      guard let finished, case .rollouts(let rollouts, _) = outcome else { return }
      if told.withLock({ $0.insert(request).inserted }) { finished(positions[request], rollouts) }
    }
    @Sendable func outcome(_ request: Int, _ answer: ResponseOutcome) throws -> Outcome {
      try self.outcome(answer, of: prompts[positions[request]], numbers[request])
    }
    let answers = try await sampler.respond(
      to: requests, sampling: options.sampling, tooLong: options.tooLong, progress: progress
    ) { request, answer in
      // What is wrong with an answer is said below, when all are there.
      if finished != nil, let outcome = try? outcome(request, answer) { tell(request, outcome) }
    }
    guard answers.count == requests.count else {
      throw PipelineError(.plugIn, "the policy answered \(answers.count) of \(requests.count) requests")
    }
    for (request, answer) in answers.enumerated() {
      let found = try outcome(request, answer)
      outcomes[positions[request]] = found
      tell(request, found)
    }
    return outcomes
  }

  /// Why a prompt cannot be responded to, or nil when it can, or when it is to be left out; samples nothing.
  ///
  /// It finds what ``rollouts(of:folder:in:progress:finished:)`` would find wrong with the prompt and its images.
  /// - Parameter folder: The folder that relative paths of its images start from.
  /// - Throws: Options that the policy does not take, cancellation.
  public func fault(of prompt: Trajectory, folder: String = "") async throws -> String? {
    try await check()
    do {
      return try await sampler.fault(
        of: form(prompt, folder), sampling: options.sampling, tooLong: options.tooLong
      ).flatMap(reason)
    } catch let error as PipelineError where error.isAboutARecord {
      return error.description
    }
  }

  private func check() async throws {
    if options.tooLong == .cut, sampler.promptForm == .words {
      throw PipelineError(
        .invalidSpec,
        "only a policy that shows its tokens can cut prompts that are too long; set too_long to 'error' or 'skip'")
    }
    try await sampler.check(options.sampling)
  }

  /// The prompt as the sampler takes it.
  private func form(_ prompt: Trajectory, _ folder: String) throws -> PolicyPrompt {
    var form =
      switch sampler.promptForm {
      case .tokens: try PolicyPrompt(prompt, folder: folder)
      case .words: try PolicyPrompt(wordsOf: prompt, folder: folder)
      }
    if let change = options.imageChange {
      form.imageChanges = (0..<form.imageCount).map { change(prompt.group, $0) }
    }
    return form
  }

  /// The reason of a failure; nil for a prompt that is to be left out.
  private func reason(_ fault: PromptFault) -> String? {
    switch fault {
    case .unusable(let reason): reason
    case .tooLong(let reason): options.tooLong == .skip ? nil : reason
    }
  }

  /// The seed of each rollout of a prompt.
  private func seeds(of prompt: Trajectory, _ numbers: Range<Int>) -> [UInt64] {
    numbers.map {
      PhiloxGenerator.rolloutSeed(run: options.seed, prompt: prompt.group, index: $0, step: options.step)
    }
  }

  /// What a request's answer makes of its prompt.
  private func outcome(
    _ answer: ResponseOutcome, of prompt: Trajectory, _ numbers: Range<Int>
  ) throws -> Outcome {
    switch answer {
    case .responses(let responses, let length):
      guard responses.count == numbers.count else {
        throw PipelineError(.plugIn, "the policy gave another number of responses than it was asked for")
      }
      return .rollouts(zip(numbers, responses).map { rollout($0, of: prompt, $1) }, prompt: length)
    case .fault(let fault): return reason(fault).map { .failed($0) } ?? .skipped
    }
  }

  private func rollout(_ number: Int, of prompt: Trajectory, _ response: SampledResponse) -> Trajectory {
    var rollout = prompt.rollout(id: "\(prompt.group)/\(number)")
    if let tokens = response.promptTokens { rollout.set(.promptTokens, to: .tokenIDs(tokens)) }
    if let text = response.text { rollout.set(.response, to: .string(text)) }
    if let reasoning = response.reasoning { rollout.set(Field("reasoning"), to: .string(reasoning)) }
    if let tokens = response.tokens { rollout.set(.tokens, to: .tokenIDs(tokens)) }
    if let logProbs = response.logProbs { rollout.set(.logprobs, to: .floats(logProbs)) }
    rollout.set(.finish, to: .string(response.finish.rawValue))
    var sampling = options.sampling.json(seed: response.seed).objectValue ?? []
    if let choice = response.choice { sampling.append(.init("choice", .number(choice))) }
    if let weights = response.weights { sampling.append(.init("weights", .string(weights))) }
    if options.imageChange != nil { sampling.append(.init("images", "noisy")) }
    rollout.set(.sampling, to: .object(sampling))
    return rollout
  }
}

extension PipelineError {
  /// Whether it can be the fault of one record: its data or a file that it names.
  package var isAboutARecord: Bool { code == .invalidData || code == .inputOutput }
}

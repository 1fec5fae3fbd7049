// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Finds out how well a policy answers: samples responses to prompts, scores them, and sums up.
///
/// Seeds are apart from those of training, and the same at every step of it, so that two evaluations differ by the
/// policy alone. A response's seed depends on the run's seed, the prompt's group and the response's number, not on what
/// else is evaluated or in which chunks.
/// ```swift
/// let scoring = [NamedStage(name: "reward", stage: reward)]
/// let evaluator = Evaluator(sampler: sampler, scoring: scoring, options: options)
/// let summary = try await evaluator.run(prompts) { chunk in try write(chunk.rollouts) }
/// let metrics = summary.metrics()  // val/accuracy, val/accuracy_low, …
/// ```
package struct Evaluator: Sendable {
  /// What is sampled, and what is made of it.
  package struct Options: Sendable {
    /// How tokens are drawn; at temperature 0.5 unless set otherwise.
    package var sampling: SamplingOptions
    /// Responses to each prompt.
    package var samples = 8
    /// The seed of the run.
    package var seed: UInt64 = 1
    /// What becomes of prompts that are too long.
    package var tooLong = RolloutSampler.TooLong.error
    /// How many prompts are responded to, scored and handed over together; twice as many are in memory.
    package var chunk = 64
    /// The most threads to score with.
    package var threads = 1
    /// Which score counts.
    package var score = EvaluationScore.automatic
    /// From which score on a response is right.
    package var threshold = 1.0
    /// The field whose values are categories, or nil for none.
    package var category: Field?
    /// Where scoring stages keep what is to outlive an evaluation that is killed; nil for nowhere.
    package var cacheFolder: String?
    /// Which images records may name.
    package var media = MediaAccess()

    /// Eight responses at temperature 0.5, as in the evaluation of Shuffle-R1.
    package init() {
      sampling = SamplingOptions()
      sampling.temperature = 0.5
    }
  }

  private let source: any ResponseSampler
  private let scoring: [NamedStage]
  private let options: Options

  /// An evaluator.
  ///
  /// - Parameters:
  ///   - sampler: Samples the responses of the policy.
  ///   - scoring: The stages that give responses their scores, in order, such as `reward`.
  package init(sampler: any ResponseSampler, scoring: [NamedStage], options: Options = Options()) {
    precondition(options.samples >= 1 && options.chunk >= 1, "at least one response, and one prompt in a chunk")
    source = sampler
    self.scoring = scoring
    self.options = options
  }

  /// The seed of an evaluation's draws in a run, below 2^53.
  package static func seed(ofRun seed: UInt64) -> UInt64 {
    var random = PhiloxGenerator(seed: seed, purpose: "evaluation", position: (0, 0, 0))
    return random.next() >> 11
  }

  /// Which prompts cannot be used, and why: malformed ones, images that are missing or damaged, too many tokens.
  ///
  /// Generates nothing, so that this is known before hours of work.
  /// - Parameters:
  ///   - folder: The folder that relative paths of a prompt's images start from.
  ///   - progress: Hears of how many prompts it is known.
  /// - Throws: Options that the policy does not take, cancellation.
  @concurrent
  package func faults(
    in prompts: [Trajectory], folder: (Trajectory) -> String = { _ in "" }, progress: (Int) -> Void = { _ in }
  ) async throws -> [EvaluationChunk.Failure] {
    var failures: [EvaluationChunk.Failure] = []
    for (index, prompt) in prompts.enumerated() {
      if let reason = try await sampler.fault(of: prompt, folder: folder(prompt)) {
        failures.append(.init(prompt: prompt, reason: reason))
      }
      progress(index + 1)
    }
    return failures
  }

  /// Evaluates on prompts.
  ///
  /// A prompt that cannot be used is handed over as failed and counted; it is no question of the summary.
  /// - Parameters:
  ///   - prompts: One record for each question, with groups of their own.
  ///   - folder: The folder that relative paths of a prompt's images start from.
  ///   - progress: Hears now and then how far it is.
  ///   - deliver: Gets each chunk when it is scored, in order; what it throws ends the evaluation.
  /// - Throws: What is wrong with all prompts or with a scoring stage; cancellation.
  @concurrent
  package func run(
    _ prompts: [Trajectory], folder: (Trajectory) -> String = { _ in "" },
    progress: @escaping @Sendable (EvaluationProgress) -> Void = { _ in },
    deliver: (EvaluationChunk) async throws -> Void
  ) async throws -> EvaluationSummary {
    let sampler = sampler
    var tally = EvaluationTally(score: options.score, threshold: options.threshold, category: options.category)
    var state = EvaluationProgress(prompts: prompts.count, samples: options.samples)
    func take(_ chunk: EvaluationChunk) async throws {
      try tally.add(chunk.rollouts)
      tally.failedPrompts += chunk.failed.count
      tally.skippedPrompts += chunk.skipped.count
      state.mean = tally.mean
      progress(state)
      try await deliver(chunk)
    }
    // On several threads, what was sampled is scored while the next chunk is being sampled.
    var sampled: Sampled?
    for start in stride(from: 0, to: prompts.count, by: options.chunk) {
      try Task.checkCancellation()
      let asked = prompts[start..<min(start + options.chunk, prompts.count)]
      if options.threads == 1, let chunk = try await scored(sampled) {
        sampled = nil
        try await take(chunk)
      }
      let (before, waiting) = (state, sampled)
      async let scored = scored(waiting)
      let outcomes = try await sampler.rollouts(of: Array(asked), folder: folder) { generated in
        var now = before
        now.responses += generated.responses
        now.tokens += generated.tokens
        now.promptsDone += generated.responses / max(1, now.samples)
        now.remark = generated.remark
        progress(now)
      }
      let next = Sampled(outcomes: Array(zip(asked, outcomes)), number: start / options.chunk)
      state.promptsDone += asked.count
      state.responses += next.rollouts.count
      for rollout in next.rollouts { state.tokens += try rollout.tokenCount ?? 0 }
      progress(state)
      if let chunk = try await scored { try await take(chunk) }
      sampled = next
    }
    if let chunk = try await scored(sampled) { try await take(chunk) }
    return tally.summary
  }

  private var sampler: RolloutSampler {
    var sampling = RolloutSampler.Options()
    sampling.sampling = options.sampling
    sampling.count = options.samples
    sampling.seed = Self.seed(ofRun: options.seed)
    sampling.tooLong = options.tooLong
    return RolloutSampler(sampler: source, options: sampling)
  }

  /// What became of some prompts, not scored yet.
  private struct Sampled: Sendable {
    let outcomes: [(prompt: Trajectory, outcome: RolloutSampler.Outcome)]
    let number: Int

    /// All responses, in the order of the prompts.
    var rollouts: [Trajectory] {
      outcomes.flatMap { if case .rollouts(let rollouts, _) = $0.outcome { rollouts } else { [Trajectory]() } }
    }
  }

  /// Sorts a chunk's outcomes, and runs the scoring stages on what was made; nil of none.
  private func scored(_ sampled: Sampled?) async throws -> EvaluationChunk? {
    guard let sampled else { return nil }
    var chunk = EvaluationChunk()
    for (prompt, outcome) in sampled.outcomes {
      switch outcome {
      case .rollouts: break
      case .failed(let reason): chunk.failed.append(.init(prompt: prompt, reason: reason))
      case .skipped: chunk.skipped.append(prompt)
      }
    }
    var batch = TrajectoryBatch(sampled.rollouts, number: sampled.number)
    if batch.isEmpty { return chunk }
    for stage in scoring {
      let report = StageReport()
      // Step 0 whatever the chunk: what a stage draws must not depend on how prompts are chunked.
      let context = StageContext(
        stage: stage.name, seed: Self.seed(ofRun: options.seed), threads: options.threads, report: report,
        cacheFolder: options.cacheFolder, media: options.media)
      try await stage.run(&batch, in: context)
      if let drop = batch.drops.first {
        throw PipelineError(
          .invalidSpec,
          "stage '\(stage.name)' dropped the response \(drop.trajectory.id.quotedForMessage) (\(drop.rule)), so that a "
            + "share of all responses would mean nothing; score with stages that keep all")
      }
      chunk.warnings += report.warnings.map { .init(stage: stage.name, warning: $0) }
    }
    chunk.rollouts = batch.trajectories
    return chunk
  }
}

/// What an evaluation made of some prompts.
package struct EvaluationChunk: Sendable {
  /// A prompt that the policy could not respond to.
  package struct Failure: Sendable {
    /// The prompt.
    package let prompt: Trajectory
    /// Why, and what to do about it.
    package let reason: String
  }

  /// What a scoring stage wants a person to know.
  package struct StageWarning: Sendable {
    /// The stage's name.
    package let stage: String
    /// What it says.
    package let warning: StageReport.Warning
  }

  /// The scored responses, in the order of the prompts.
  package internal(set) var rollouts: [Trajectory] = []
  /// Prompts that could not be used.
  package internal(set) var failed: [Failure] = []
  /// Prompts that were left out because they are too long.
  package internal(set) var skipped: [Trajectory] = []
  /// What the scoring stages had to say.
  package internal(set) var warnings: [StageWarning] = []
}

/// How an evaluation gets on.
package struct EvaluationProgress: Sendable, Hashable {
  /// The number of prompts in all.
  package var prompts: Int
  /// Responses to each prompt.
  package var samples: Int
  /// Prompts that were responded to, about.
  package var promptsDone = 0
  /// Finished responses.
  package var responses = 0
  /// Sampled tokens.
  package var tokens = 0
  /// The mean score of what is scored so far; nil where nothing is.
  package var mean: Double?
  /// Why it may be slow just now; see ``GenerationProgress/remark``.
  package var remark = ""

  /// How much is done, 0…1.
  package var share: Double { prompts == 0 ? 1 : Double(promptsDone) / Double(prompts) }

  /// Nothing done yet.
  package init(prompts: Int, samples: Int) {
    self.prompts = prompts
    self.samples = samples
  }
}

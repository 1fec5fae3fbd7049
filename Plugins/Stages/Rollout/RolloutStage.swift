// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Samples rollouts of each prompt from the policy, and replaces the prompt by them.
///
/// A rollout carries the prompt's fields, an id of its own (`GROUP/0`, `GROUP/1`, …), tokens, their log-probabilities at
/// the sampling temperature, the text, and how and by which policy it was sampled. Its seed depends on the run's seed,
/// the step, the prompt and the rollout's number, on nothing else. A prompt that cannot be used, or that is too long, leaves.
///
/// With `noisy` each prompt gets further rollouts, numbered on, of its images with noise; see ``NoiseOptions``. They are in
/// the same group and keep the clean images, so that they are trained on with these; `sampling.images` is `noisy`, and
/// `logprobs` are those of the noisy prompt. The noise of an image is one for the rollouts of a prompt in a step.
///
/// With `waves`, a run asks for a part of the rollouts at a time, and a policy decides after each wave. With both, the policy sees the
/// rollouts of clean images alone, and the groups that it admits get those of noisy ones, in a wave of their own; these are numbered
/// on from the most that the waves may make, have no `rollout_wave`, and are all kept.
package struct RolloutStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "rollout", summary: "Samples responses to each prompt from the policy",
    papers: [
      Paper("NoisyRollout: Reinforcing Visual Reasoning with Data Augmentation, for noisy", arXiv: "2504.13055")
    ],
    rules: [
      DropRule("unusable-prompt", because: "its prompt, or an image of it, cannot be used"),
      DropRule("too-long", because: "its prompt leaves no room for the longest response"),
    ],
    metrics: [
      MetricAbout("response_length/mean", unit: "tokens", "mean length of the responses"),
      MetricAbout("response_length/max", unit: "tokens", "the longest response", combining: .maximum),
      MetricAbout("response_length/min", unit: "tokens", "the shortest response", combining: .minimum),
      MetricAbout("response_length/clip_ratio", unit: "share", "responses that were cut off at the length limit"),
      MetricAbout("perf/response_tokens", unit: "tokens", "tokens of all responses", combining: .sum),
      MetricAbout("prompt_length/mean", unit: "tokens", "mean length of the prompts, each response counted"),
      MetricAbout("prompt_length/max", unit: "tokens", "the longest prompt", combining: .maximum),
      MetricAbout("prompt_length/min", unit: "tokens", "the shortest prompt", combining: .minimum),
      MetricAbout(
        "image_signal", unit: "share", "with noisy: share of the variance of a noisy image that is the image's own"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var n = 8
    package var waves = ComponentReference("")
    package var noisy = 0
    package var noise = NoiseOptions()
    package var sampling = SamplingOptions()
    package var tooLong = RolloutSampler.TooLong.error
    package var maxPromptTokens = 0
    package var promptsAtOnce = 64

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "n": "the number of rollouts for each prompt; with waves, of each group that is complete",
      "waves":
        "decides wave by wave how many rollouts a prompt gets, such as pilot or reinforce-ada; nobody, and all get n at once, "
        + "where nothing is named",
      "noisy":
        "further rollouts for each prompt, of noisy images; they are trained on with the clean images, in the same group; with waves, "
        + "which decide by the clean ones, for each prompt that is admitted",
      "noise": "how strong the noise is, and how it falls over the run",
      "sampling": "how tokens are drawn",
      "too_long": "what to do with a prompt that leaves no room for max_tokens: error, skip, or cut, which shortens it",
      "max_prompt_tokens":
        "a prompt of more tokens is too long as well; 0 for as many as the model's context has room for",
      "prompts_at_once": "the number of prompts that are sampled together; fewer need less memory",
    ]

    /// A wave policy is named in `waves`.
    package static let componentKinds: [String: ComponentKind] = ["waves": .waves]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if noisy < 0 { problems.append(OptionProblem("noisy", "is \(noisy), it must be 0 or more")) }
      if n < 1 { problems.append(OptionProblem("n", "is \(n), it must be at least 1")) }
      if maxPromptTokens < 0 {
        problems.append(OptionProblem("max_prompt_tokens", "is \(maxPromptTokens), it must be 0 or more"))
      }
      if promptsAtOnce < 1 {
        problems.append(OptionProblem("prompts_at_once", "is \(promptsAtOnce), it must be at least 1"))
      }
      return problems
    }
  }

  /// The prompt.
  package let reads: Set<Field> = [.prompt]
  /// Tokens of a prompt that already has them.
  package let readsIfPresent: Set<Field> = [.promptTokens, .images]
  /// Everything known about a response.
  package var writes: Set<Field> {
    let written: Set<Field> = [
      .promptTokens, .response, .tokens, .logprobs, .finish, .sampling, .policyVersion, .step,
    ]
    return waves.map { written.union($0.policy.writes).union([.rolloutWave]) } ?? written
  }
  /// Responses, and with `noisy` changed images.
  package var needs: Set<PolicyAbility> { options.noisy > 0 ? [.generation, .imageChanges] : [.generation] }

  /// `max_tokens`.
  package var longestResponse: Int? { options.sampling.maxTokens }

  /// `n`, and those of noisy images.
  package var rolloutsPerPrompt: Int? { options.n + options.noisy }

  /// `prompts_at_once`.
  package var promptsAtOnce: Int? { options.promptsAtOnce }

  /// The waves that the options name.
  package let waves: StageWaves?
  private let options: Options

  /// Makes the stage, and the policy of its waves.
  package init(options: Options, assembly: Assembly) throws {
    self.options = options
    waves =
      options.waves.use.isEmpty
      ? nil
      : try StageWaves(
        assembly.waves(options.waves), n: options.n, besides: options.noisy)
  }

  /// Closes the policy of its waves.
  package func close() async { await waves?.policy.close() }

  /// The wave that a rollout was made in, and what the policy of the waves has to say.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    guard let waves, trajectory.id != trajectory.group else { return nil }
    let name = type(of: waves.policy).name
    var made: Explanation
    if let wave = trajectory.wave {
      made = "made in wave \(wave + 1) of \(name)"
    } else if options.noisy > 0 {
      made = "one of 'noisy', made when \(name) had admitted its prompt"
    } else {
      return nil
    }
    if trajectory.hasWaited, let origin = trajectory.origin {
      made = made + ", in step \(origin["step"]?.intValue ?? 0)"
      if let version = origin["policy_version"]?.intValue {
        made = made + " by the policy after \(version, "step")"
      }
    }
    // The policy of the waves decides by the rollouts of its waves alone.
    let seen = step.keeping { $0.wave != nil }
    return waves.policy.explanation(of: trajectory, in: seen, n: waves.n).map { made + "; " + $0 } ?? made
  }

  /// Replaces prompts by rollouts.
  ///
  /// - Throws: When there is no policy, it does not support the options, or no prompt can be used.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let policy = try context.training.sampler
    if let group = batch.groups.first(where: { $0.positions.count > 1 }) {
      throw PipelineError(
        .invalidData,
        "\(group.positions.count) records make up the group \(group.name.quotedForMessage); rollouts are made of "
          + "prompts, one record each, which 'source.prompts' names")
    }
    if let waves, context.wave == nil {
      throw PipelineError(
        .invalidSpec,
        "the waves of '\(type(of: waves.policy).name)' go by rewards, which stages of a run give between them; run it from a "
          + "spec, or leave 'waves' out")
    }
    let noisy = makesNoisy(context) ? [try noisySampler(policy, context)] : []
    let samplers = [sampler(policy, context, count: options.n)] + noisy
    let waves = [context.wave, context.wave?.ofBesides]
    var outcomes: [RolloutSampler.Outcome] = []
    // Clean and noisy ones of each prompt.
    let counts = batch.trajectories.map { prompt in
      [
        context.wave?.numbers(of: prompt.group).count ?? options.n,
        context.wave?.numbersBesides(of: prompt.group).count ?? options.noisy,
      ]
    }
    let total = counts.joined().reduce(0, +)
    for start in stride(from: 0, to: batch.count, by: options.promptsAtOnce) {
      let range = start..<min(batch.count, start + options.promptsAtOnce)
      let prompts = Array(batch.trajectories[range])
      var parts: [[RolloutSampler.Outcome]] = []
      for (number, sampler) in samplers.enumerated() {
        let before =
          counts[..<start].joined().reduce(0, +) + counts[range].map { $0.prefix(number).reduce(0, +) }.reduce(0, +)
        parts.append(
          try await sampler.rollouts(of: prompts, folder: { $0.folder }, in: waves[number]) { progress in
            let done = before + progress.responses
            context.training.progressed(
              "\(done) of \(total)\(progress.remark)", share: Double(done) / Double(max(1, total)))
          } finished: { prompt, rollouts in
            // With noise a prompt's rollouts are there when the second sampler is done.
            if samplers.count == 1 { context.made?(start + prompt, rollouts.map { completed($0, context) }) }
          })
      }
      let joined = prompts.indices.map { index in
        Self.joined(parts.enumerated().map { completed($1[index], context, isNoisy: $0 > 0) })
      }
      if samplers.count > 1 {
        for (index, outcome) in joined.enumerated() {
          guard case .rollouts(let rollouts, _) = outcome else { continue }
          context.made?(start + index, rollouts)
        }
      }
      outcomes += joined
    }
    for remark in await policy.remarks() { context.report.warn("server", remark) }
    try replace(&batch, by: outcomes, context)
  }

  /// Whether rollouts of noisy images are made; what a sampler learns from has none, and of waves only the one that makes them.
  private func makesNoisy(_ context: StageContext) -> Bool {
    options.noisy > 0 && (context.wave?.hasBesides ?? true)
  }

  /// All rollouts of a prompt, or why there are none.
  private static func joined(_ outcomes: [RolloutSampler.Outcome]) -> RolloutSampler.Outcome {
    var all: [Trajectory] = []
    var length = RolloutSampler.PromptLength.whole
    for outcome in outcomes {
      guard case .rollouts(let rollouts, let prompt) = outcome else { return outcome }
      all += rollouts
      if prompt == .cut { length = .cut }
    }
    return .rollouts(all, prompt: length)
  }

  /// The sampler of rollouts of noisy images, or of further clean ones where there is no noise left.
  private func noisySampler(_ policy: any ResponseSampler, _ context: StageContext) throws -> RolloutSampler {
    _ = try context.training.imageChanging
    var steps = 1
    if options.noise.decay != .none {
      guard let planned = context.training.plannedSteps else {
        throw PipelineError(
          .invalidSpec,
          "the noise of 'noisy' falls over the run, whose number of steps nobody can tell; set training.steps, or noise.decay to "
            + "'none'")
      }
      steps = max(1, planned)
    }
    let count = options.noise.diffusionSteps(step: Double(context.step), of: Double(steps))
    let signal = count == 0 ? 1 : NoiseOptions.signal(after: count)
    context.report.metric("image_signal", signal)
    if count == 0 { return sampler(policy, context, count: options.noisy, after: options.n) }
    return sampler(policy, context, count: options.noisy, after: options.n) { group, place in
      var random = context.random(context.groupKey(group), UInt64(place))
      return .noise(signal: signal, seed: random.next())
    }
  }

  private func sampler(
    _ policy: any ResponseSampler, _ context: StageContext, count: Int, after first: Int = 0,
    imageChange: (@Sendable (String, Int) -> ImageChange)? = nil
  ) -> RolloutSampler {
    var sampling = RolloutSampler.Options()
    sampling.sampling = options.sampling
    sampling.sampling.maxPromptTokens = options.maxPromptTokens
    sampling.sampling.nameOfMaxTokens = "stages.\(context.stage).sampling.max_tokens"
    sampling.count = count
    sampling.firstIndex = first
    sampling.imageChange = imageChange
    sampling.seed = context.seed
    sampling.step = context.step
    sampling.tooLong = options.tooLong
    return RolloutSampler(sampler: policy, options: sampling)
  }

  /// A rollout with what the run knows of it.
  private func completed(_ rollout: Trajectory, _ context: StageContext, isNoisy: Bool = false) -> Trajectory {
    var rollout = rollout
    rollout.set(.policyVersion, to: .number(context.training.policyVersion))
    rollout.step = context.step
    if let wave = context.wave, !isNoisy { rollout.set(.rolloutWave, to: .number(wave.number(of: rollout.group))) }
    return rollout
  }

  private func completed(
    _ outcome: RolloutSampler.Outcome, _ context: StageContext, isNoisy: Bool
  ) -> RolloutSampler.Outcome {
    guard case .rollouts(let rollouts, let length) = outcome else { return outcome }
    return .rollouts(rollouts.map { completed($0, context, isNoisy: isNoisy) }, prompt: length)
  }

  private func replace(
    _ batch: inout TrajectoryBatch, by outcomes: [RolloutSampler.Outcome], _ context: StageContext
  ) throws {
    var lengths = RolloutLengths(limit: options.sampling.maxTokens)
    var unusable: [String] = []
    var cut = 0
    let prompts = batch.count
    try batch.expand(stage: context.stage) { index in
      switch outcomes[index] {
      case .failed(let reason):
        unusable.append(reason)
        return .dropped(rule: "unusable-prompt")
      case .skipped: return .dropped(rule: "too-long")
      case .rollouts(let rollouts, let length):
        if length == .cut { cut += 1 }
        return .rollouts(
          try rollouts.map { rollout in
            try lengths.add(rollout)
            return rollout
          })
      }
    }
    if let first = unusable.first {
      if unusable.count == prompts {
        throw PipelineError(.invalidData, "none of the \(prompts) prompts can be used; the first: \(first)")
      }
      context.report.warn(
        "unusable-prompt", "\(unusable.count) of \(prompts) prompts cannot be used; the first: \(first)",
        count: unusable.count)
    }
    if cut > 0 {
      context.report.warn(
        "cut-prompt", "\(cut) of \(prompts) prompts were cut to leave room for a response", count: cut)
    }
    lengths.report(to: context.report)
  }
}

extension RolloutSampler.TooLong: Codable {}

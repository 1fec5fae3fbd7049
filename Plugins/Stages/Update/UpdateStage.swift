// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Updates the policy with a batch: old log-probabilities, minibatches in order, a loss, an optimizer step for each.
///
/// Trajectories are trained on in the order of `draws`, each draw counting once, or else in the order of the batch. Old
/// log-probabilities are those of the policy before the first of the updates: taken from the rollout if this policy
/// sampled it, otherwise computed once for each distinct trajectory. A response that a minibatch contains more than
/// once is computed once, and responses to the same prompt together; neither changes the mean.
package struct UpdateStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "update", summary: "Updates the policy: minibatches, a loss, optimizer steps",
    papers: [
      Paper(
        "Beyond the 80/20 Rule: High-Entropy Minority Tokens Drive Effective Reinforcement Learning for LLM Reasoning, for "
          + "high_entropy", arXiv: "2506.01939"),
      Paper(
        "Spotlight on Token Perception for Multimodal Reinforcement Learning (VPPO), for contrast", arXiv: "2510.09285"),
      Paper(
        "Perception-Aware Policy Optimization for Multimodal Reasoning (PAPO), for contrast", arXiv: "2507.06448"),
    ],
    rules: [
      DropRule(
        "unusable", because: "it cannot be trained on: its record, or what it names, does not fit the policy")
    ],
    metrics: [
      MetricAbout("actor/pg_loss", unit: "loss", "mean policy loss of the minibatches"),
      MetricAbout("actor/pg_clipfrac_higher", unit: "share", "tokens whose loss a limit raised"),
      MetricAbout("actor/pg_clipfrac_lower", unit: "share", "tokens whose loss a limit lowered"),
      MetricAbout("actor/ppo_kl", unit: "nats per token", "mean of log-probability before the step minus now"),
      MetricAbout("actor/entropy_loss", unit: "nats per token", "mean of minus the log-probability of the tokens"),
      MetricAbout(
        "actor/entropy", unit: "nats per token",
        "mean entropy of the distributions of the tokens, with entropy_bonus as the loss has it"),
      MetricAbout(
        "actor/entropy_threshold", unit: "nats", "least entropy of a token that is trained on, with high_entropy"),
      MetricAbout(
        "actor/image_dependence", unit: "nats per token",
        "mean dependence of trained tokens on the image with the current policy, with contrast.reward"),
      MetricAbout("actor/grad_norm", unit: "norm", "mean norm of the gradient, before it is clipped"),
      MetricAbout(
        "actor/padding", unit: "share", "tokens computed for the updates that were padding, where the policy says so"),
      MetricAbout("actor/lr", unit: "learning rate", "of the step's last update"),
      MetricAbout("actor/optimizer_steps", unit: "updates", "updates since the training began"),
      MetricAbout("actor/kl_loss", unit: "nats", "KL divergence to the reference, as the loss has it"),
      MetricAbout("actor/kl_coef", unit: "loss per nat", "what that divergence is multiplied by"),
      MetricAbout(
        "actor/rollout_util_rate", unit: "share",
        "trained trajectories, each draw counted, whose advantage is not 0 and that were not cut off with one below 0"),
      MetricAbout("actor/token_util_rate", unit: "share", "trained tokens with a gradient"),
      MetricAbout(
        "actor/replay_ess", unit: "share",
        "effective sample size of tokens of earlier steps: (sum of ratios)^2 / sum of squares, divided by their number; ratios of the "
          + "policy before the step to the one that sampled them"),
      MetricAbout(
        "actor/replay_limited", unit: "share", "tokens of earlier steps whose ratio the correction limits"),
      MetricAbout(
        "actor/sampler_gap", unit: "nats per token",
        "mean distance between the log-probabilities that came with the rollouts and those of the policy before the step, where "
          + "importance corrects for it"),
      MetricAbout(
        "actor/sampler_ess", unit: "share", "effective sample size of those tokens, as in actor/replay_ess"),
      MetricAbout("actor/sampler_limited", unit: "share", "those tokens whose ratio the correction limits"),
      MetricAbout(
        "actor/rollout_gradient_rate", unit: "share", "trained trajectories, each draw counted, with a gradient"),
      MetricAbout("data/rollout_util_rate", unit: "share", "rollouts of the step that gave a gradient"),
      MetricAbout("data/trained_trajectories", unit: "trajectories", "trained on, each draw counted"),
      MetricAbout("data/trained_tokens", unit: "tokens", "response tokens trained on, each draw and each pass counted"),
      MetricAbout("data/trained_distinct", unit: "trajectories", "trained on, each counted once"),
    ])

  /// Where old log-probabilities come from.
  package enum OldLogProbs: String, Codable, Sendable, CaseIterable {
    /// The rollout's own if this policy sampled it, computed for others.
    case auto
    /// Computed for all.
    case recompute
  }

  let options: Options
  let loss: any PolicyLoss
  let aggregation: LossAggregation

  /// Makes the stage.
  package init(options: Options, assembly: Assembly) throws {
    self.options = options
    loss = try assembly.loss(options.loss)
    aggregation = options.aggregation.chosen ?? loss.aggregation
  }

  /// The fields that the loss reads.
  package var reads: Set<Field> {
    var reads = loss.reads
    if options.highEntropy.isOn { reads.insert(.entropies) }
    if options.contrast.isOn { reads.insert(.logprobsContrast) }
    return reads
  }
  /// The fields of responses and their sampling.
  package let readsIfPresent: Set<Field> = [
    .response, .tokens, .logprobs, .sampling, .finish, .policyVersion, .promptTokens, .images, .advantages, .draws,
    .pair, .lossWeight, .lossMask, .refLogprobs,
  ]
  /// Log-probabilities, if they had to be computed, and their tokens.
  package let writes: Set<Field> = [.oldLogprobs, .refLogprobs, .tokens, .sampling]
  /// Epochs times minibatches.
  package var updatesPerStep: Int? { options.epochs * options.minibatches }
  /// Training, and the reference if its distance counts.
  package var needs: Set<PolicyAbility> {
    var needs: Set<PolicyAbility> = [.training, .logProbs]
    if options.kl.coefficient > 0 { needs.insert(.reference) }
    if options.entropyBonus > 0 { needs.insert(.entropy) }
    return needs
  }

  /// Makes the updates.
  ///
  /// - Throws: When there is no policy, a gradient is not finite, or the policy has moved so far within the step that
  ///   it is diverging.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let policy = try context.training.trainable
    if options.kl.coefficient > 0, options.kl.estimator == .k1 {
      context.report.warn(
        "k1-in-loss",
        "kl.estimator is k1, whose gradient in a loss is 0 on average, so that it holds nothing back; take k2, which has the "
          + "gradient of the KL divergence, or the stage kl-penalty")
    }
    let entropyPolicy = options.entropyBonus > 0 ? try context.training.entropyTrainable : nil
    let schedule = try self.schedule(context)
    var memory = try UpdateMemory(context.training.memory.value, kl: options.kl)
    var examples = try await TrainingExamples(stage: self, context: context).collect(from: &batch)
    let order = DrawOrder(batch, among: Set(examples.keys))
    let slots = order.slots
    if slots.isEmpty {
      context.report.warn(
        "nothing-to-train",
        "no trajectory of the step can be trained on; the policy stays as it is. Look at what the stages before dropped"
      )
      return
    }
    var tally = UpdateTally(slots: slots, examples: examples)
    tally.add(replayed: options.replayed.importance)
    tally.add(sampled: options.importance)
    if options.highEntropy.scope == .batch {
      let chosen = options.highEntropy.choose(examples, draws: slots.reduce(into: [:]) { $0[$1, default: 0] += 1 })
      examples = chosen.examples
      if let threshold = chosen.threshold { tally.add(entropyThreshold: threshold) }
    }
    let minibatches = Minibatch.cut(order, into: options.minibatches, examples: examples)
    let count = options.epochs * minibatches.count
    var last: MinibatchPass?
    for number in 0..<count {
      context.training.progressed("\(number + 1) of \(count)", share: Double(number) / Double(count))
      let minibatch = minibatches[number % minibatches.count]
      let pass = MinibatchPass(
        minibatch, examples: chosen(examples, for: minibatch, &tally), loss: loss, aggregation: aggregation,
        options: options,
        klCoefficient: memory.kl.coefficient)
      if let entropyPolicy {
        try await pass.accumulateWithEntropy(on: entropyPolicy)
      } else {
        try await pass.accumulate(on: policy)
      }
      try checkDivergence(pass.figures, policyMoved: number > 0)
      var step = OptimizerStep(
        learningRate: schedule.rate(at: schedule.counts == .steps ? context.step : memory.optimizerSteps))
      options.optimizer.apply(to: &step)
      let report = try await policy.step(step)
      memory.optimizerSteps += 1
      tally.add(pass.figures, step: step, report: report)
      last = pass
    }
    if let last { try await checkLastUpdate(last, context.training.logProbs) }
    tally.report(to: context.report, generated: batch.inputCount, memory: memory, options: options)
    if options.kl.coefficient > 0 {
      memory.kl.update(divergence: tally.klMean, count: slots.count)
    }
    context.training.memory.value = memory.json
  }

  /// The examples with the tokens that a minibatch trains on.
  private func chosen(
    _ examples: [Int: TrainingExample], for minibatch: Minibatch, _ tally: inout UpdateTally
  ) -> [Int: TrainingExample] {
    var examples = examples
    if options.highEntropy.scope == .minibatch {
      let chosen = options.highEntropy.choose(examples, draws: minibatch.draws)
      examples = chosen.examples
      if let threshold = chosen.threshold { tally.add(entropyThreshold: threshold) }
    }
    return options.contrast.choose(examples, draws: minibatch.draws)
  }

  /// The learning rate's schedule over the whole run.
  private func schedule(_ context: StageContext) throws -> LearningRateSchedule {
    let perStep = options.learningRate.counts == .steps ? 1 : options.epochs * options.minibatches
    return try options.learningRate.resolved(
      total: context.training.plannedSteps.map { $0.multipliedReportingOverflow(by: perStep).partialValue })
  }

  private func checkDivergence(_ figures: MinibatchFigures, policyMoved: Bool) throws {
    if policyMoved { try checkDivergence(figures.meanDistance) }
  }

  /// Checks the effect of a step's last update, which no further minibatch of the step shows.
  private func checkLastUpdate(_ pass: MinibatchPass, _ policy: any LogProbSource) async throws {
    if options.divergenceLimit == 0 { return }
    let distance: Double
    do {
      distance = try await pass.distanceMoved(policy)
    } catch let error as PipelineError where error.code == .invalidData {
      throw diverged("the policy's log-probabilities are no longer finite")
    }
    try checkDivergence(distance)
  }

  private func checkDivergence(_ distance: Double) throws {
    guard options.divergenceLimit > 0, !(distance <= options.divergenceLimit) else { return }
    throw diverged(
      "the policy has moved by \((distance * 10).rounded() / 10) nats a token within one step, more than divergence_limit "
        + "(\(options.divergenceLimit))")
  }

  private func diverged(_ what: String) -> PipelineError {
    PipelineError(
      .diverged,
      "\(what): it is diverging, and the step is not saved; lower learning_rate.rate, and continue from the last "
        + "checkpoint with --resume --accept-changes")
  }
}

extension PipelineError.Code {
  /// Training does not converge.
  package static let diverged = Self(rawValue: "diverged")
}

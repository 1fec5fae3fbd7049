// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Subtracts the distance to the reference policy from the reward: `r − c·Σ_t kl_t`, before advantages are computed.
///
/// The reference is the policy as it was at the start of the run. Its log-probabilities are computed if records lack
/// `ref_logprobs`; those of the policy are `logprobs`. Tokens that `loss_mask` excludes do not count. The sum, before
/// the coefficient is applied, is stored in `rewards` as `kl`. A trajectory without a reward stays without one; one
/// whose KL divergence cannot be computed loses its reward, with the status `failed`.
///
/// Metrics have EasyR1's names. The controller: see ``PipelineCore/KLController``.
package struct KLPenaltyStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "kl-penalty", summary: "Subtracts the KL divergence to the reference policy from the reward",
    papers: [
      Paper("Training Language Models to Follow Instructions with Human Feedback", arXiv: "2203.02155")
    ],
    metrics: [
      MetricAbout(
        "critic/kl", unit: "nats per token",
        "KL divergence to the reference: mean over trajectories of the mean over their tokens"),
      MetricAbout("critic/kl_coef", unit: "reward per nat", "coefficient of the penalty in this step"),
      MetricAbout(
        "kl_failed", unit: "trajectories", "lost their reward since their KL divergence cannot be computed",
        combining: .sum),
    ])

  private let kl: KLOptions

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { kl = options.kl }

  /// The reward, the sampled tokens and their log-probabilities.
  package let reads: Set<Field> = [.reward, .tokens, .logprobs]
  /// What is needed to compute the reference's log-probabilities if they are missing, and which tokens count.
  package let readsIfPresent: Set<Field> = [
    .refLogprobs, .lossMask, .rewards, .prompt, .promptTokens, .images, .sampling,
  ]
  /// The reward, its part and its status, and the reference's log-probabilities.
  package let writes: Set<Field> = [.reward, .rewards, .rewardStatus, .refLogprobs]
  /// The divergence.
  package let scores: Set<String>? = ["kl"]
  /// Log-probabilities under the initial weights of the run.
  package let needs: Set<PolicyAbility> = [.reference]

  /// The divergence that lowered the reward.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    guard let divergence = trajectory.rewards.first(where: { $0.name == "kl" })?.score else { return nil }
    return "reward lowered by the coefficient times \(divergence) nats, the response's KL divergence to the reference"
  }

  /// Lowers the rewards.
  ///
  /// - Throws: When log-probabilities of a reference are needed and there is none.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    var controller = try KLController(kl, memory: context.training.memory.value)
    let scored = batch.trajectories.indices.filter { batch[$0].reward != nil }
    var failures = try await addReference(to: &batch, scored, context)
    var sum = 0.0
    var count = 0
    for position in scored where failures[position] == nil {
      do {
        let (divergence, tokenCount) = try divergence(of: batch[position])
        guard lower(&batch[position], by: divergence, coefficient: controller.coefficient) else {
          throw PipelineError(.invalidData, "the KL divergence to the reference policy is \(divergence)")
        }
        sum += divergence / Double(max(tokenCount, 1))
        count += 1
      } catch let error as PipelineError {
        failures[position] = error.description
      }
    }
    report(failures, of: &batch, to: context.report)
    context.report.metric("critic/kl_coef", controller.coefficient)
    if count > 0 {
      let mean = sum / Double(count)
      // Sums of the largest numbers overflow.
      if mean.isFinite { context.report.metric("critic/kl", mean) }
      controller.update(divergence: mean, count: count)
    }
    if kl.controller == .adaptive { context.training.memory.value = controller.memory }
  }

  /// Computes missing log-probabilities of the reference, and states why if that is impossible.
  private func addReference(
    to batch: inout TrajectoryBatch, _ scored: [Int], _ context: StageContext
  ) async throws -> [Int: String] {
    let missing = try scored.filter { try batch[$0].value(of: .refLogprobs) ?? .null == .null }
    if missing.isEmpty { return [:] }
    guard let reference = context.training.policy?.reference else {
      throw PipelineError(
        .invalidSpec,
        "'\(Self.name)' compares with the reference policy, but there is none; name a policy in the spec, or give "
          + "records that carry 'ref_logprobs'")
    }
    context.training.progressed("reference log-probabilities", share: nil)
    let scorer = LogProbScorer(source: reference, codec: try context.training.codec, field: .refLogprobs)
    let outcomes = try await scorer.score(missing.map { batch[$0] }, folder: { $0.folder })
    var failures: [Int: String] = [:]
    for (position, outcome) in zip(missing, outcomes) {
      switch outcome {
      case .scored(let trajectory, _): batch[position] = trajectory
      case .failed(let reason): failures[position] = reason
      }
    }
    return failures
  }

  /// The sum over the tokens that count, and their number.
  private func divergence(of trajectory: Trajectory) throws -> (sum: Double, tokenCount: Int) {
    guard let count = try trajectory.tokenCount else {
      throw PipelineError(.invalidData, "the record has no 'tokens'")
    }
    let sampled = try trajectory.numbers(of: .logprobs, count: count)
    let reference = try trajectory.numbers(of: .refLogprobs, count: count)
    let counts = try trajectory.lossMask(count: count)
    var sum = 0.0
    for token in 0..<count where counts[token] {
      sum += kl.estimator(logProb: sampled[token], reference: reference[token]).value
    }
    return (sum, counts.count { $0 })
  }

  /// Lowers a reward, unless it would no longer be finite.
  private func lower(_ trajectory: inout Trajectory, by divergence: Double, coefficient: Double) -> Bool {
    guard divergence.isFinite, let reward = trajectory.reward else { return false }
    let lowered = reward - coefficient * divergence
    guard lowered.isFinite else { return false }
    trajectory.reward = lowered
    trajectory.rewards = (trajectory.rewards ?? []).filter { $0.name != "kl" } + [RewardPart("kl", divergence)]
    return true
  }

  private func report(_ failures: [Int: String], of batch: inout TrajectoryBatch, to report: StageReport) {
    for position in failures.keys {
      batch[position].reward = nil
      batch[position].rewardStatus = .failed
    }
    report.metric("kl_failed", Double(failures.count), combining: .sum)
    if let first = failures.keys.min(), let reason = failures[first] {
      report.warn(
        "kl-failed",
        (failures.count == 1
          ? "1 trajectory loses its reward since its KL divergence cannot be computed: "
          : "\(failures.count) trajectories lose their rewards since their KL divergence cannot be computed; the first: ")
          + "\(batch[first].id.quotedForMessage), \(reason)",
        count: failures.count)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Scores every trajectory with reward functions; the reward is the weighted sum of their scores.
///
/// The raw scores are stored in `rewards` under each function's name, and a function's parts as `function/part`. A
/// function fails on a trajectory if it throws, gives a score that is not finite, or lacks a field that it reads; it
/// may also abstain, or not answer in time. If any function with a weight does not score, the trajectory has no reward,
/// which is not the same as a reward of 0; the scores of the others stay in `rewards`. `reward_status` says what
/// happened; failed takes precedence over timed out, and that over abstained. With `abstained: left-out` the other
/// functions are added up if one abstains. If a function failed or timed out, `reward_reason` says why. This stage
/// drops nothing.
///
/// A response in which a function does not find what it looks for scores 0, with a part `found` of 0. A warning says
/// what is missing if that is so for at least half of the responses.
///
/// Programs, judges and servers are asked about the rollouts of a prompt while those of others are still being sampled, if
/// the stage stands directly behind the one that makes them.
///
/// Metrics are named as in EasyR1.
package struct RewardStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "reward", summary: "Scores trajectories with the weighted sum of reward functions",
    metrics: [
      MetricAbout("reward/overall", unit: "reward", "mean over trajectories with a reward"),
      MetricAbout("critic/score/mean", unit: "reward", "mean reward as scored"),
      MetricAbout("critic/score/max", unit: "reward", "the largest reward as scored", combining: .maximum),
      MetricAbout("critic/score/min", unit: "reward", "the least reward as scored", combining: .minimum),
      MetricAbout("critic/rewards/mean", unit: "reward", "mean reward that advantages are computed from"),
      MetricAbout("critic/rewards/max", unit: "reward", "the largest of those rewards", combining: .maximum),
      MetricAbout("critic/rewards/min", unit: "reward", "the least of those rewards", combining: .minimum),
      MetricAbout("reward_status/scored", unit: "trajectories", "got a reward", combining: .sum),
      MetricAbout("reward_status/abstained", unit: "trajectories", "a reward function abstained", combining: .sum),
      MetricAbout("reward_status/failed", unit: "trajectories", "a reward function failed", combining: .sum),
      MetricAbout(
        "reward_status/timed_out", unit: "trajectories", "a reward function did not answer in time", combining: .sum),
      MetricAbout(
        "reward_status/already_scored", unit: "trajectories", "kept the reward that they came with", combining: .sum),
      MetricAbout("reward/<part>", unit: "score", "mean score of a function, or of a part of it, before weights"),
      MetricAbout(
        "reward/<function>/no_answer", unit: "share",
        "responses that do not hold what the function looks for, such as a box; they score 0"),
    ])

  /// The scores, the status, and the reason if there is no score.
  package let writes: Set<Field> = [.reward, .rewards, .rewardStatus, .rewardReason]
  private let functions: [WeightedReward]
  private let existing: Existing
  private let abstention: Abstention
  private let whileSampling: WhileSampling

  /// Makes the stage and its reward functions.
  package init(options: Options = Options(), assembly: Assembly) throws {
    functions = try WeightedReward.all(options.functions, assembly)
    existing = options.existing
    abstention = options.abstained
    whileSampling = options.whileSampling
  }

  /// The functions by their names.
  package var scores: Set<String>? { Set(functions.map(\.name)) }

  /// The fields that the functions read.
  package var reads: Set<Field> { functions.reduce(into: []) { $0.formUnion($1.reward.reads) } }

  /// `reward`, if existing ones are kept.
  package var readsIfPresent: Set<Field> { existing == .keep ? [.reward] : [] }

  /// Scores the batch, on as many threads as the context allows.
  ///
  /// - Throws: When the run is cancelled.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    let judged = try await judgements(of: batch, context)
    let names = functions.map(\.name)
    var tally = RewardTally(functions: functions)
    for (position, judgement) in judged.enumerated() {
      guard let judgement else {
        tally.keep(batch[position].reward)
        continue
      }
      tally.add(judgement, of: batch[position].id)
      batch[position].reward = judgement.reward
      batch[position].rewards = judgement.parts.isEmpty ? nil : judgement.parts
      let before = batch[position].rewardStatus
      batch[position].rewardStatus = judgement.status
      // Only what failed has a reason; looking for an old one in every record would cost more than all else here.
      if let reason = judgement.failure(names) {
        batch[position].set(.rewardReason, to: .string(reason))
      } else if before == .failed || before == .timedOut, batch[position].has(.rewardReason) {
        batch[position].set(.rewardReason, to: nil)
      }
    }
    tally.write(to: context.report)
  }

  /// Closes the functions.
  package func close() async {
    for function in functions { await function.reward.close() }
  }

  /// The verdicts of the functions on each trajectory; nil for one whose reward is kept.
  private func judgements(of batch: TrajectoryBatch, _ context: StageContext) async throws -> [Judgement?] {
    let positions = batch.trajectories.indices.filter { existing == .replace || batch[$0].reward == nil }
    let trajectories = positions.map { batch[$0] }
    var judgements = [Judgement?](repeating: nil, count: batch.count)
    for position in positions { judgements[position] = Judgement(abstention: abstention) }
    let verdicts = try await verdicts(on: trajectories, context)
    for (index, function) in functions.enumerated() {
      for (position, verdict) in zip(positions, verdicts[index]) {
        judgements[position]?.add(verdict, of: function, index: index)
      }
    }
    return judgements
  }

  /// The functions that wait for others, with their places in the sum.
  private var elsewhere: [(place: Int, function: any BatchRewardFunction)] {
    functions.enumerated().compactMap { place, function in
      guard let together = function.reward as? any BatchRewardFunction, together.worksElsewhere else { return nil }
      return (place, together)
    }
  }

  /// The verdicts of each function, in order.
  ///
  /// Those that wait for others are asked at the same time; the others compute one after the other, on the context's threads. What
  /// was asked early is not asked again.
  private func verdicts(on trajectories: [Trajectory], _ context: StageContext) async throws -> [[RewardVerdict]] {
    let known = try await (context.early as? EarlyJudging)?.verdicts(progress: context.training.progressed) ?? [:]
    let reports = functions.map { _ in StageReport() }
    @Sendable func ask(_ index: Int) async throws -> [RewardVerdict] {
      let known = known[index] ?? [:]
      let missing = known.isEmpty ? trajectories : trajectories.filter { known[ExactText($0.id)] == nil }
      let asked = try await functions[index].reward.verdicts(on: missing, in: context.with(report: reports[index]))
      if known.isEmpty { return asked }
      var rest = asked[...]
      return trajectories.compactMap { known[ExactText($0.id)] ?? rest.popFirst() }
    }
    let waiting = Set(elsewhere.map(\.place))
    let found = try await withThrowingTaskGroup(of: (Int, [RewardVerdict]).self) { tasks in
      for index in waiting { tasks.addTask { (index, try await ask(index)) } }
      var found = [[RewardVerdict]](repeating: [], count: functions.count)
      for index in functions.indices where !waiting.contains(index) { found[index] = try await ask(index) }
      for try await (index, verdicts) in tasks { found[index] = verdicts }
      return found
    }
    for report in reports { context.report.add(report) }
    return found
  }
}

extension RewardStage: EarlyStage {
  /// Begins to ask the functions that work in other processes or on servers.
  package func beginEarly(perPrompt: Int, in context: StageContext) -> (any EarlyWork)? {
    let asked = elsewhere
    if whileSampling == .wait || asked.isEmpty { return nil }
    let existing = existing
    return EarlyJudging(asked, perPrompt: perPrompt, in: context) { existing == .replace || $0.reward == nil }
  }
}

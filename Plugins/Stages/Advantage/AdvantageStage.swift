// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Turns rewards into advantages with an estimator named in its options, by default GRPO's.
///
/// A trajectory without a reward, or without what the estimator reads, takes no part in any mean and leaves. Where the
/// estimator compares within the group, a group of one stays with advantage 0, and a larger group left with one scored
/// rollout leaves; rollouts that earlier stages dropped from the batch count towards the group's size.
///
/// Rollouts that the stage `replay` has brought in are compared with those of the step by default (`replayed: joined`). With
/// `split` both are compared among themselves alone, and a single one has advantage 0; with `stored` replayed ones keep the
/// advantage that they were stored with, and leave where they have none.
package struct AdvantageStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "advantage", summary: "Turns rewards into advantages; trajectories without a reward leave",
    rules: [
      DropRule("no-reward", because: "it has no reward, so it can be compared with nothing"),
      DropRule(
        "too-few-scored",
        because: "it is the only rollout of its group with a reward, and there is none to compare it with"),
      DropRule("no-tokens", because: "the estimator works token by token, and the record has no tokens"),
      DropRule(
        "no-baseline", because: "the estimator needs the reward of a greedy response, and the record has no baseline"),
      DropRule(
        "no-seen",
        because: "the estimator needs the statistics of all rollouts seen of the prompt, and the record has no 'seen'"),
      DropRule(
        "no-logprobs",
        because: "the estimator needs the log-probability of each token, and the record does not have them"),
      DropRule(
        "no-entropies", because: "the estimator needs the entropy of each token, and the record does not have them"),
      DropRule(
        "no-stored-advantage", because: "replayed rollouts keep their stored advantage, and the record has none"),
    ],
    metrics: [
      MetricAbout("critic/advantages/mean", unit: "advantage", "mean over trajectories"),
      MetricAbout("critic/advantages/max", unit: "advantage", "the largest of a trajectory", combining: .maximum),
      MetricAbout("critic/advantages/min", unit: "advantage", "the least of a trajectory", combining: .minimum),
      MetricAbout("groups", unit: "groups", "groups with advantages", combining: .sum),
      MetricAbout(
        "zero_variance_groups", unit: "groups", "groups with two or more scored rollouts, all with the same reward",
        combining: .sum),
      MetricAbout(
        "all_right_groups", unit: "groups", "zero-variance groups whose reward is at least one half", combining: .sum),
      MetricAbout("all_wrong_groups", unit: "groups", "zero-variance groups whose reward is lower", combining: .sum),
      MetricAbout("unscored", unit: "trajectories", "left since they have no reward", combining: .sum),
      MetricAbout(
        "too_few_scored", unit: "trajectories", "left since they are the only one of their group with a reward",
        combining: .sum),
      MetricAbout(
        "estimator/<figure>", unit: "the estimator's", "a figure of the estimator, whose description explains it"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var estimator = ComponentReference("grpo")
    package var replayed = Replayed.joined

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "estimator": "the advantage estimator that turns rewards into advantages",
      "replayed":
        "what replayed rollouts are compared with: joined, with those of the step; split, among themselves; stored keeps the "
        + "advantage that they were stored with",
    ]
  }

  /// What replayed rollouts are compared with.
  package enum Replayed: String, Codable, Sendable, CaseIterable {
    /// The rollouts of the step, which are compared with them as well.
    case joined
    /// Among themselves; those of the step likewise.
    case split
    /// Nothing: they keep the advantage that they have.
    case stored
  }

  private let estimator: any AdvantageEstimator
  /// What the estimator reads, asked once: it is looked at for every trajectory.
  private let estimatorReads: EstimatorReads
  private let replayed: Replayed

  /// Makes the stage and its estimator.
  package init(options: Options = Options(), assembly: Assembly) throws {
    self.init(estimator: try assembly.advantage(options.estimator), replayed: options.replayed)
  }

  /// Makes the stage with an estimator.
  package init(estimator: any AdvantageEstimator, replayed: Replayed = .joined) {
    (self.estimator, self.replayed) = (estimator, replayed)
    estimatorReads = EstimatorReads(estimator.reads)
  }

  /// `reward`, and the fields that the estimator reads.
  package var reads: Set<Field> { estimator.reads.union([.reward]) }
  /// The scores that the estimator goes by.
  package var readsScores: Set<String> { estimator.readsScores }
  /// The fields that the estimator writes: `advantage`, and for advantages per token `advantages`.
  package var writes: Set<Field> { estimator.writes }

  /// The advantage, and how it came about.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    guard let advantage = trajectory.advantage else { return nil }
    if replayed == .stored, trajectory.isReplayed { return "\(signed: advantage), as it was stored" }
    let isSplit = replayed == .split && step.group.contains { $0.isReplayed }
    let rewards = step.group.filter { !isSplit || $0.isReplayed == trajectory.isReplayed }.compactMap(\.reward)
    let isFlat = advantage == 0 && rewards.count > 1 && rewards.allSatisfy { $0 == rewards[0] }
    let remark =
      isFlat ? "; all rewards of the group are equal" : abs(advantage) < 0.1 ? "; hardly any gradient" : ""
    let apart: Explanation =
      isSplit ? (trajectory.isReplayed ? "; among the replayed ones" : "; without the replayed ones") : ""
    return "\(signed: advantage) by \(Self.nameOf(estimator)): \(estimator.formula)\(remark)" + apart
  }

  /// Gives every scored trajectory an advantage and drops the others.
  ///
  /// - Throws: When the estimator throws, or returns something other than one finite advantage for each rollout.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    var rules = [String?](repeating: nil, count: batch.count)
    let groups = try scoredGroups(of: batch, rules: &rules)
    let found = try estimator.advantages(for: groups.map(\.rollouts), report: context.report)
    guard found.count == groups.count else {
      throw fault("returned \(found.count) groups for \(groups.count)")
    }
    var summary = AdvantageSummary()
    for (group, advantages) in zip(groups, found) {
      guard advantages.count == group.rollouts.count else {
        throw fault(
          "returned \(advantages.count) advantages for the \(group.rollouts.count) rollouts of a group")
      }
      summary.addGroup(rewards: group.rollouts.map(\.reward))
      for (index, advantage) in advantages.enumerated() {
        let position = group.positions[index]
        let value = try assign(advantage, to: &batch[position], tokenCount: group.rollouts[index].tokenCount)
        summary.add(value)
        for earlier in group.earlier[position] ?? [] {
          summary.add(try assign(.uniform(value), to: &batch[earlier], tokenCount: 0))
        }
      }
    }
    report(summary, rules, batch, to: context.report)
    batch.drop(stage: context.stage) { rules[$0] }
  }

  private struct ScoredGroup {
    var positions: [Int] = []
    var rollouts: [ScoredRollout] = []
    /// Earlier outputs of a rollout's session, which share its advantage.
    var earlier: [Int: [Int]] = [:]
  }

  /// The rollouts to compute with, group by group, and the rules that drop the others.
  private func scoredGroups(of batch: TrajectoryBatch, rules: inout [String?]) throws -> [ScoredGroup] {
    var droppedEarlier: [ExactText: Int] = [:]
    for drop in batch.drops { droppedEarlier[ExactText(drop.trajectory.group), default: 0] += 1 }
    var result: [ScoredGroup] = []
    for group in parts(of: batch, rules: &rules) {
      var scored = ScoredGroup()
      var positions = group.positions
      if estimator.comparesWithinGroup {
        let outputs = try SessionOutputs(group, of: batch)
        positions = outputs.counting
        scored.earlier = outputs.earlier
      }
      for position in positions {
        let trajectory = batch[position]
        guard let reward = trajectory.reward, reward.isFinite else {
          for position in [position] + (scored.earlier[position] ?? []) { rules[position] = "no-reward" }
          continue
        }
        switch try rollout(trajectory, reward: reward) {
        case .found(let rollout):
          scored.positions.append(position)
          scored.rollouts.append(rollout)
        case .lacks(let rule): rules[position] = rule
        }
      }
      let isApart = replayed == .split && group.positions.allSatisfy { batch[$0].isReplayed }
      let dropped = isApart || droppedEarlier.isEmpty ? 0 : droppedEarlier[ExactText(group.name), default: 0]
      let size = group.positions.count + dropped
      if estimator.comparesWithinGroup, size > 1, scored.rollouts.count < 2 {
        for position in scored.positions.flatMap({ [$0] + (scored.earlier[$0] ?? []) }) {
          rules[position] = "too-few-scored"
        }
      } else if !scored.rollouts.isEmpty {
        result.append(scored)
      }
    }
    return result
  }

  /// The groups, without what is not to be compared with them.
  private func parts(of batch: TrajectoryBatch, rules: inout [String?]) -> [TrajectoryGroup] {
    if replayed == .joined { return batch.groups }
    return batch.groups.flatMap { group -> [TrajectoryGroup] in
      let stored = group.positions.filter { batch[$0].isReplayed }
      if stored.isEmpty { return [group] }
      if replayed == .stored {
        for position in stored where batch[position].advantage?.isFinite != true {
          rules[position] = "no-stored-advantage"
        }
      }
      let own = group.positions.filter { !batch[$0].isReplayed }
      return (replayed == .split ? [own, stored] : [own]).filter { !$0.isEmpty }.map {
        TrajectoryGroup(name: group.name, positions: $0)
      }
    }
  }

  /// What the estimator sees of a trajectory, or the rule for what it lacks.
  private enum Found {
    case found(ScoredRollout)
    case lacks(rule: String)
  }

  private func rollout(_ trajectory: Trajectory, reward: Double) throws -> Found {
    let reads = estimatorReads
    var tokenCount = 0
    if reads.tokens {
      guard let count = try trajectory.tokenCount else { return .lacks(rule: "no-tokens") }
      tokenCount = count
    }
    if reads.baseline, trajectory.baseline == nil { return .lacks(rule: "no-baseline") }
    let seen = reads.seen ? try trajectory.value(of: .seen).flatMap(SeenStatistics.init) : nil
    if reads.seen, seen == nil { return .lacks(rule: "no-seen") }
    var lists: [Field: [Double]] = [:]
    for field in reads.lists {
      guard trajectory.has(field), let numbers = try? trajectory.numbers(of: field, count: tokenCount) else {
        return .lacks(rule: "no-\(field)")
      }
      lists[field] = numbers
    }
    return .found(
      ScoredRollout(
        reward: reward, tokenCount: tokenCount, baseline: reads.baseline ? trajectory.baseline : nil,
        parts: reads.parts ? trajectory.rewards ?? [] : [],
        logProbs: lists.isEmpty ? [] : lists[.logprobs] ?? [], entropies: lists.isEmpty ? [] : lists[.entropies] ?? [],
        seen: seen))
  }

  /// Stores an advantage and returns the trajectory's own.
  private func assign(
    _ advantage: RolloutAdvantage, to trajectory: inout Trajectory, tokenCount: Int
  ) throws -> Double {
    let value: Double
    switch advantage {
    case .uniform(let uniform):
      value = uniform
      // Values per token from an earlier pass would contradict the new advantage.
      if trajectory.advantages != nil { trajectory.advantages = nil }
    case .perToken(let values):
      guard values.count == tokenCount, values.allSatisfy(\.isFinite) else {
        throw fault(
          "gave \(trajectory.id) \(values.count) values for \(tokenCount) tokens, or one that is not finite")
      }
      trajectory.advantages = values
      value = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
    guard value.isFinite else { throw fault("gave \(trajectory.id) the advantage \(value)") }
    trajectory.advantage = value
    return value
  }

  private func report(
    _ summary: AdvantageSummary, _ rules: [String?], _ batch: TrajectoryBatch, to report: StageReport
  ) {
    summary.write(to: report)
    let unscored = rules.count { $0 == "no-reward" }
    let tooFew = rules.count { $0 == "too-few-scored" }
    report.metric("unscored", Double(unscored), combining: .sum)
    report.metric("too_few_scored", Double(tooFew), combining: .sum)
    if tooFew > 0 {
      report.warn(
        "too-few-scored",
        (tooFew == 1
          ? "1 trajectory leaves since it is the only one of its group with a reward; "
          : "\(tooFew) trajectories leave since they are the only ones of their group with a reward; ")
          + "'\(Self.nameOf(estimator))' compares rollouts with one another", count: tooFew)
    }
    for field in ["tokens", "baseline", "logprobs", "entropies", "seen"] {
      let rule = "no-" + field
      let count = rules.count { $0 == rule }
      guard let first = rules.firstIndex(of: rule) else { continue }
      report.warn(
        rule,
        (count == 1 ? "1 trajectory leaves since it has" : "\(count) trajectories leave since they have")
          + " no '\(field)'\(Self.lists.contains(field) ? " with a number for each token" : ""), the first is \(batch[first].id.quotedForMessage)",
        count: count)
    }
  }

  /// Fields with a number for each token.
  private static let lists = ["logprobs", "entropies"]

  private func fault(_ what: String) -> PipelineError {
    PipelineError(.plugIn, "the advantage estimator '\(Self.nameOf(estimator))' \(what)")
  }

  private static func nameOf(_ estimator: any AdvantageEstimator) -> String { type(of: estimator).name }
}

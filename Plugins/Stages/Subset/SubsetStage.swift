// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Keeps a part of the rollouts, of each group or of the whole batch, and drops the others.
///
/// - `max-variance`: of each group the `n` rollouts whose rewards have the largest variance, `n = max(1, keep · G)` with
///   halves rounded to even; see ``MaxVariance``. Stands before `advantage`, which then compares the kept ones alone.
/// - `largest-magnitude`, `smallest-magnitude`: by `|advantage|`, after `advantage`, whose values do not change.
/// - `shortest`, `reward-per-token`: by `max(tokens, 1)` and `reward / max(tokens, 1)`, before `advantage`.
///
/// A share of `N` candidates is `max(1, floor(share · N + 1e-9))`, for all strategies but the first. Ties: within a group
/// the order of the input, for `reward-per-token` the shorter first; within a batch a hash of the ids, since a decision
/// must not depend on the order of the groups. A rollout without what the strategy goes by takes no part and leaves. Of a
/// session with several outputs the last one is a candidate, and the others go with it.
///
/// The stage `pairwise-sample` has strategies by advantage too: they keep as many of each group as it has in pairs, to
/// be compared with the pairs.
///
/// Sources: PODS (max-variance down-sampling), CPPO (completion pruning), GFPO (group filtering).
package struct SubsetStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "subset", summary: "Keeps a part of the rollouts by rewards, advantages or lengths",
    papers: [
      Paper(
        "Not All Rollouts are Useful: Down-Sampling Rollouts in LLM Reinforcement Learning (PODS)", arXiv: "2504.13818"),
      Paper(
        "CPPO: Accelerating the Training of Group Relative Policy Optimization-Based Reasoning Models",
        arXiv: "2503.22342"),
      Paper(
        "Sample More to Think Less: Group Filtered Policy Optimization for Concise Reasoning (GFPO)",
        arXiv: "2508.09726"),
    ],
    rules: [
      DropRule("no-reward", because: "it has no reward to be selected by"),
      DropRule("no-advantage", because: "it has no advantage to be selected by"),
      DropRule("no-tokens", because: "it is selected by its length, and the record has no tokens"),
      DropRule(
        "less-variance",
        because: "only some of its group are kept, and without it their rewards have the largest variance"),
      DropRule(
        "smaller-magnitude", because: "only some are kept, and the others have advantages further from 0"),
      DropRule("larger-magnitude", because: "only some are kept, and the others have advantages nearer 0"),
      DropRule("longer", because: "only some are kept, and the others have shorter responses"),
      DropRule(
        "less-reward-per-token", because: "only some are kept, and the others have more reward for each token"),
      DropRule(
        "zero-variance", because: "all rewards of its group are equal, so there is nothing to learn from comparing them"
      ),
    ],
    metrics: [
      MetricAbout("kept", unit: "trajectories", "kept of those that could be compared", combining: .sum),
      MetricAbout("candidates", unit: "trajectories", "could be compared", combining: .sum),
      MetricAbout("groups_without_any", unit: "groups", "groups of which nothing was kept", combining: .sum),
      MetricAbout(
        "kept_without_advantage", unit: "trajectories", "kept by |advantage| though theirs is 0", combining: .sum),
      MetricAbout(
        "variance_gain", unit: "ratio",
        "max-variance: mean over groups of the variance of the kept rewards, divided by that of all"),
    ])

  /// The fields that the strategy goes by.
  package var reads: Set<Field> { strategy.reads }
  /// Nothing.
  package let writes: Set<Field> = []
  let options: Options
  private var strategy: SubsetStrategy { options.strategy.facts }

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Drops what the strategy does not keep.
  ///
  /// - Throws: When a record can no longer be read.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    var rules = [String?](repeating: nil, count: batch.count)
    var tally = SubsetTally()
    var pools: [[SubsetCandidate]] = []
    var followers: [Int: [Int]] = [:]
    for group in batch.groups {
      let outputs = try SessionOutputs(group, of: batch)
      followers.merge(outputs.earlier) { first, _ in first }
      pools.append(try outputs.counting.compactMap { try candidate($0, of: batch, rules: &rules) })
    }
    if options.isOverBatch { pools = [pools.flatMap { $0 }] }
    for pool in pools where !pool.isEmpty { choose(from: pool, of: batch, rules: &rules, &tally) }
    for (last, earlier) in followers { for position in earlier { rules[position] = rules[last] } }
    tally.groupsWithoutAny = batch.groups.count { $0.positions.allSatisfy { rules[$0] != nil } }
    batch.drop(stage: context.stage) { rules[$0] }
    tally.report(to: context.report, options.strategy)
  }

  /// What a trajectory is compared by; nil, with a rule, if it lacks that.
  private func candidate(
    _ position: Int, of batch: TrajectoryBatch, rules: inout [String?]
  ) throws -> SubsetCandidate? {
    let trajectory = batch[position]
    var tokens = 0
    if strategy.reads.contains(.tokens) {
      guard let count = try trajectory.tokenCount else {
        rules[position] = "no-tokens"
        return nil
      }
      tokens = max(count, 1)
    }
    let value: Double?
    switch strategy.measure {
    case .rewardVariance: value = trajectory.reward
    case .magnitude: value = trajectory.advantage.map(abs)
    case .length: value = Double(tokens)
    case .rewardPerToken: value = trajectory.reward.map { $0 / Double(tokens) }
    }
    guard let value, value.isFinite else {
      rules[position] = strategy.measure == .magnitude ? "no-advantage" : "no-reward"
      return nil
    }
    return SubsetCandidate(position: position, value: value, tokens: tokens)
  }

  private func choose(
    from pool: [SubsetCandidate], of batch: TrajectoryBatch, rules: inout [String?], _ tally: inout SubsetTally
  ) {
    let count = options.kept(of: pool.count)
    let kept: Set<Int>
    if strategy.measure == .rewardVariance {
      let choice = MaxVariance(pool.map(\.value), keeping: count)
      if options.zeroVariance == .drop, choice.isConstant {
        for candidate in pool { rules[candidate.position] = "zero-variance" }
        tally.candidates += pool.count
        return
      }
      kept = Set(choice.kept.map { pool[$0].position })
      tally.addGain(choice)
    } else {
      let ranked = options.isOverBatch ? rankedByHash(pool, batch) : rankedByOrder(pool)
      kept = Set(ranked.prefix(count).map(\.position))
    }
    for candidate in pool where !kept.contains(candidate.position) { rules[candidate.position] = strategy.rule }
    tally.candidates += pool.count
    tally.kept += count
    if strategy.measure == .magnitude {
      tally.keptWithoutAdvantage += pool.count { $0.value == 0 && kept.contains($0.position) }
    }
  }

  private func isBefore(_ left: SubsetCandidate, _ right: SubsetCandidate) -> Bool? {
    if left.value != right.value { return strategy.keepsLargest == (left.value > right.value) }
    return left.tokens == right.tokens ? nil : left.tokens < right.tokens
  }

  private func rankedByOrder(_ pool: [SubsetCandidate]) -> [SubsetCandidate] {
    pool.sorted { isBefore($0, $1) ?? ($0.position < $1.position) }
  }

  private func rankedByHash(_ pool: [SubsetCandidate], _ batch: TrajectoryBatch) -> [SubsetCandidate] {
    let keyed = pool.map { (candidate: $0, hash: PhiloxGenerator.hash(batch[$0.position].id)) }
    return keyed.sorted { left, right in
      if let decided = isBefore(left.candidate, right.candidate) { return decided }
      if left.hash != right.hash { return left.hash < right.hash }
      return batch[left.candidate.position].id.utf8.lexicographicallyPrecedes(batch[right.candidate.position].id.utf8)
    }.map(\.candidate)
  }
}

/// A trajectory that can be compared.
struct SubsetCandidate: Sendable {
  /// Its position in the batch.
  let position: Int
  /// What it is compared by.
  let value: Double
  /// Its tokens, at least 1; 0 where they do not matter.
  let tokens: Int
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension SubsetStage {
  /// By what a trajectory was kept or left out, and among how many.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    let facts = options.strategy.facts
    let isDropped: Bool
    switch trajectory.outcome {
    case .dropped(_, facts.rule): isDropped = true
    case .dropped(_, "no-reward"), .dropped(_, "no-advantage"), .dropped(_, "no-tokens"), .dropped(_, "zero-variance"):
      return nil
    default: isDropped = false
    }
    let verb: Explanation = isDropped ? "not among the" : "one of the"
    switch facts.measure {
    case .rewardVariance: return variance(trajectory, step, verb)
    case .magnitude: return magnitude(trajectory, step, verb)
    case .length, .rewardPerToken:
      // Lineage holds no lengths.
      let candidates = compared(with: trajectory, in: step).count
      return options.isOverBatch
        ? "\(verb) \(options.strategy.rawValue) of the batch"
        : "\(verb) \(options.kept(of: candidates)) kept of \(candidates, "rollout") of its group, by \(facts.sentence)"
    }
  }

  /// The trajectories that reached the stage and are compared with one another.
  private func compared(with trajectory: LineageEntry, in step: LineageStep) -> [LineageEntry] {
    var found: [LineageEntry] = []
    let group = ExactText(trajectory.group)
    step.forEach { if options.isOverBatch || ExactText($0.group) == group { found.append($0) } }
    return found
  }

  private func variance(_ trajectory: LineageEntry, _ step: LineageStep, _ verb: Explanation) -> Explanation? {
    guard let reward = trajectory.reward else { return nil }
    let rewards = compared(with: trajectory, in: step).compactMap(\.reward)
    if rewards.isEmpty { return nil }
    let choice = MaxVariance(rewards, keeping: options.kept(of: rewards.count))
    let kept = choice.kept.map { rewards[$0] }
    return Explanation(
      "\(verb) \(kept.count, "rollout") whose rewards have the largest variance, \(choice.variance), where all "
        + "\(rewards.count) have \(choice.wholeVariance); its reward is \(reward)",
      facts: [
        .init("kept_rewards", .array(kept.map { .number($0) })), .init("variance", .number(choice.variance)),
        .init("variance_of_all", .number(choice.wholeVariance)),
      ])
  }

  private func magnitude(_ trajectory: LineageEntry, _ step: LineageStep, _ verb: Explanation) -> Explanation? {
    guard let advantage = trajectory.advantage else { return nil }
    let magnitudes = compared(with: trajectory, in: step).compactMap(\.advantage).map(abs)
    let own = abs(advantage)
    let before = magnitudes.count { options.strategy.facts.keepsLargest ? $0 > own : $0 < own }
    let ties = magnitudes.count { $0 == own }
    let place: Explanation = ties > 1 ? "\(before + 1) to \(before + ties)" : "\(before + 1)"
    return Explanation(
      "\(verb) \(options.kept(of: magnitudes.count)) kept of \(magnitudes.count, "trajectory"): by |A| = \(own) its place is "
        + place,
      facts: [.init("place", .number(before + 1)), .init("equal", .number(ties))])
  }
}

extension SubsetStrategy {
  /// What it goes by, in words.
  fileprivate var sentence: String { measure == .length ? "length, the shortest first" : "reward for each token" }
}

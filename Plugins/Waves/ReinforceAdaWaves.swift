// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Samples each prompt in rounds until it has enough right and wrong rollouts, then keeps `n` of them.
///
/// The first ⌊n/2⌋ right ones stay, then wrong ones, each in the order of sampling; where there are too few of one kind, more of
/// the other. A prompt that is not settled after the last round goes on with what it has. The kept rollouts carry `seen`, the
/// counts over all of them, for the estimator `seen-statistics`.
///
/// Source: "Reinforce-Ada: An Adaptive Sampling Framework for Reinforce-Style LLM Training".
// Differs from Reinforce-Ada: the batch keeps the order of prompts and of sampling.
package struct ReinforceAdaWaves: WavePolicy {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "reinforce-ada",
    summary: "Rounds of rollouts until a prompt has enough right and wrong ones, of which n are kept",
    papers: [
      Paper("Reinforce-Ada: An Adaptive Sampling Framework for Reinforce-Style LLM Training", arXiv: "2510.04996")
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var choice = Choice.balanced
    package var rounds = 4
    package var perRound = 8
    package var threshold = 0.7

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "choice":
        "when a prompt has enough: balanced, half of n right and the rest wrong; positive-focused, one right rollout",
      "rounds": "the most rounds of rollouts",
      "per_round": "the rollouts of a prompt in each round",
      "threshold": "a rollout is right whose reward is above this",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems = [
        OptionProblem.unless("rounds", rounds, in: 1...1000),
        OptionProblem.unless("per_round", perRound, in: 1...10_000),
      ].compactMap { $0 }
      if !threshold.isFinite { problems.append(OptionProblem("threshold", "is \(threshold), it must be finite")) }
      return problems
    }
  }

  /// When a prompt has enough rollouts.
  package enum Choice: String, Codable, Sendable, CaseIterable {
    /// Half right, half wrong.
    case balanced
    /// One right.
    case positiveFocused = "positive-focused"
  }

  /// `seen`.
  package let writes: Set<Field> = [.seen]
  private let options: Options

  /// Makes the policy.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// One round, and all rounds.
  package func plan(for n: Int) throws -> WavePlan {
    guard n <= options.rounds * options.perRound else {
      throw PipelineError(
        .invalidSpec,
        "'n' is \(n), but the waves make at most \(options.rounds) × \(options.perRound) rollouts of a prompt; lower n, or "
          + "raise waves.with.rounds or waves.with.per_round")
    }
    return WavePlan(first: options.perRound, most: options.rounds * options.perRound)
  }

  /// Prompts that have enough are admitted; the others get a round more.
  package func decide(_ groups: [WaveGroup], in context: WaveContext) -> [WaveDecision] {
    let n = context.n
    return groups.map { group in
      let (right, wrong) = counts(group)
      let isEnough =
        switch options.choice {
        case .balanced: right >= n / 2 && wrong >= n - n / 2
        case .positiveFocused: right >= 1
        }
      return isEnough || context.wave + 1 >= options.rounds ? .admit : .more(options.perRound)
    }
  }

  /// `n` of them, right ones first.
  package func keep(_ group: WaveGroup, in context: WaveContext) -> WaveKeep {
    let n = context.n
    let right = group.rewards.indices.filter { group.rewards[$0].map { $0 > options.threshold } ?? false }
    let wrong = group.rewards.indices.filter { group.rewards[$0].map { $0 <= options.threshold } ?? false }
    // Without a right one, nothing changes where positive-focused wants one at least.
    let takenRight = min(right.count, max(n / 2, n - wrong.count))
    let takenWrong = min(wrong.count, n - takenRight)
    let scored = group.rewards.compactMap { $0 }
    let seen = scored.isEmpty ? nil : SeenStatistics(rewards: scored, threshold: options.threshold)
    // Rollouts without a reward stay only for the stage that says why they leave.
    let unscored = group.rewards.indices.filter { group.rewards[$0] == nil }.prefix(n - takenRight - takenWrong)
    return WaveKeep([right.prefix(takenRight), wrong.prefix(takenWrong), unscored].flatMap { $0 }, seen: seen)
  }

  private func counts(_ group: WaveGroup) -> (right: Int, wrong: Int) {
    let rewards = group.rewards.compactMap { $0 }
    let right = rewards.count { $0 > options.threshold }
    return (right, rewards.count - right)
  }

  /// How many were seen.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep, n: Int) -> Explanation? {
    let rewards = step.group.compactMap(\.reward)
    if rewards.isEmpty { return nil }
    let right = rewards.count { $0 > options.threshold }
    let kind =
      trajectory.reward.map { $0 > options.threshold ? "a right one" : "a wrong one" } ?? "one without a reward"
    return "\(kind) of \(rewards.count, "rollout") seen, \(right) of them right; \(n) of a group are kept"
  }
}

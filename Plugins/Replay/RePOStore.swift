// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Adds stored rollouts of a prompt to those of the step, once enough are stored.
///
/// Where a prompt of the step has at least `least` stored rollouts, `size` of them, or all if there are fewer, join its group. All
/// rollouts of the step with a reward are stored after the choice, up to `per_prompt` of each prompt, the oldest leaving first.
///
/// The published method compares online and replayed rollouts apart (`replayed: split` of the stage `advantage`), and clips both
/// against the probabilities under the policy that sampled them, with denominators and a coefficient of their own (`replayed` of
/// `update`, `weight` of this stage).
///
/// Source: Li et al., "RePO: Replay-Enhanced Policy Optimization".
// Differs from RePO's program: the largest variance is found by PODS' scan, not among all combinations; the class there stores
// fewer than it waits for, so that its defaults never replay. `least` and `per_prompt` are those of its script.
package struct RePOStore: ReplayStore {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "repo", summary: "Adds stored rollouts of a prompt to those of the step",
    papers: [Paper("RePO: Replay-Enhanced Policy Optimization", arXiv: "2506.09340")],
    metrics: [
      MetricAbout("store/replaying_groups", unit: "groups", "groups that stored rollouts were added to")
    ])

  /// Which stored rollouts are added.
  package enum Strategy: String, Codable, Sendable, CaseIterable {
    /// All of them.
    case all
    /// Any of them.
    case random
    /// Those with the highest rewards, the older of equals first.
    case highest
    /// The newest.
    case recent
    /// Those whose rewards have the largest variance.
    case maxVariance = "max-variance"
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var strategy = Strategy.recent
    package var size = 8
    package var least = 16
    package var perPrompt = 16
    package var capacity = 1_000_000

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "strategy": "which stored rollouts of a prompt are added: all, random, highest, recent or max-variance",
      "size": "how many are added; with 'all' it does not count",
      "least": "nothing is added for a prompt until this many of its rollouts are stored",
      "per_prompt": "the most trajectories of one prompt that are stored",
      "capacity": "the most trajectories that are stored in all",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      for (name, value) in [("size", size), ("least", least), ("per_prompt", perPrompt), ("capacity", capacity)]
      where value < 1 {
        problems.append(OptionProblem(name, "is \(value), it must be at least 1"))
      }
      if least > perPrompt {
        problems.append(
          OptionProblem(
            "least",
            "is \(least), more than per_prompt, \(perPrompt): no prompt would ever have that many; lower it, or raise "
              + "per_prompt"))
      }
      return problems
    }
  }

  private let options: Options

  /// Makes the store.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// `capacity`, and `per_prompt` of each prompt.
  package func capacity(ofBatch count: Int) -> ReplayCapacity {
    ReplayCapacity(total: options.capacity, perPrompt: options.perPrompt)
  }

  /// A choice for each group.
  package func draw(
    for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayPlan {
    var plan = ReplayPlan()
    var groups = 0
    for group in batch.groups {
      let stored = index.numbers(of: group.id)
      guard stored.count >= options.least else { continue }
      groups += 1
      let rewards = stored.map { index.reward(of: $0) ?? 0 }
      for place in Self.choose(
        options.strategy, options.size, from: rewards, random: context.random(PhiloxGenerator.hash(group.id)))
      {
        plan.replays.append(
          Replay(
            stored[place],
            because: [
              .init("strategy", .string(options.strategy.rawValue)), .init("stored", .number(stored.count)),
            ]))
      }
    }
    context.report.metric("store/replaying_groups", Double(groups))
    return plan
  }

  /// The places of the chosen among rewards, the oldest first.
  package static func choose(
    _ strategy: Strategy, _ size: Int, from rewards: [Double], random: PhiloxGenerator
  ) -> [Int] {
    let count = min(size, rewards.count)
    switch strategy {
    case .all: return Array(rewards.indices)
    case .recent: return Array(rewards.indices.suffix(count))
    case .highest:
      return Array(rewards.indices.sorted { (-rewards[$0], $0) < (-rewards[$1], $1) }.prefix(count))
    case .maxVariance: return MaxVariance(rewards, keeping: count).kept
    case .random:
      var random = random
      let draws = rewards.map { _ in random.next() }
      return rewards.indices.sorted { (draws[$0], $0) < (draws[$1], $1) }.prefix(count).sorted()
    }
  }

  /// All with a reward.
  package func admit(
    _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayAdmission { ReplayAdmission(batch.rollouts.indices.filter { batch.rollouts[$0].reward != nil }) }

  /// What it was chosen from.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    guard let origin = trajectory.origin, let stored = origin["stored"]?.intValue,
      let strategy = origin["strategy"]?.stringValue
    else { return nil }
    return "chosen by repo from \(stored) stored of its prompt, strategy \(strategy)"
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Puts a stored success of a prompt in the place of the first rollout of a group that fails as a whole.
///
/// A group fails if the population standard deviation of its rewards is below `deviation_below` and their mean below
/// `mean_below`. One of the stored trajectories of its prompt, each as likely as another, replaces its first rollout, which
/// leaves by the rule `replaced`. Then every rollout of the step with a reward above `success_above` is stored, up to
/// `per_prompt` of each prompt.
///
/// Source: Lu et al., "ARPO: End-to-End Policy Optimization for GUI Agents with Experience Replay".
// Differs from ARPO's program: there success_above is 0.1 beside mean_below 0.2, so that a reward in between is a failure to
// repair and a success to store; here the two must not overlap. Its draw has no seed.
package struct ARPOStore: ReplayStore {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "arpo", summary: "A stored success replaces a rollout of a group that fails as a whole",
    papers: [
      Paper("ARPO: End-to-End Policy Optimization for GUI Agents with Experience Replay", arXiv: "2505.16282")
    ],
    metrics: [
      MetricAbout("store/failed_groups", unit: "groups", "groups that fail as a whole"),
      MetricAbout(
        "store/without_success", unit: "groups", "of those, groups whose prompt has no stored success"),
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var deviationBelow = 0.05
    package var meanBelow = 0.2
    package var successAbove = 0.2
    package var perPrompt = 8
    package var capacity = 100_000

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "deviation_below": "a group fails only if the standard deviation of its rewards is below this",
      "mean_below": "a group fails only if the mean of its rewards is below this",
      "success_above": "rollouts with a reward above this are stored",
      "per_prompt": "the most trajectories of one prompt that are stored",
      "capacity": "the most trajectories that are stored in all",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems: [OptionProblem] = []
      if !(deviationBelow > 0) {
        problems.append(OptionProblem("deviation_below", "is \(deviationBelow), it must be above 0"))
      }
      if !(successAbove >= meanBelow) {
        problems.append(
          OptionProblem(
            "success_above",
            "is \(successAbove), which is less than mean_below, \(meanBelow): a reward in between would be a failure to repair and "
              + "a success to store; raise it to \(meanBelow) or more"))
      }
      if perPrompt < 1 { problems.append(OptionProblem("per_prompt", "is \(perPrompt), it must be at least 1")) }
      if capacity < 1 { problems.append(OptionProblem("capacity", "is \(capacity), it must be at least 1")) }
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

  /// A draw for each group that fails.
  package func draw(
    for batch: ReplayBatch, from index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayPlan {
    var plan = ReplayPlan()
    var (failed, without) = (0, 0)
    for group in batch.groups {
      let rewards = group.places.compactMap { batch.rollouts[$0].reward }
      guard let (mean, deviation) = Self.statistics(rewards), mean < options.meanBelow,
        deviation < options.deviationBelow
      else { continue }
      failed += 1
      let stored = index.numbers(of: group.id)
      guard !stored.isEmpty else {
        without += 1
        continue
      }
      var random = context.random(PhiloxGenerator.hash(group.id))
      let drawn = stored[min(stored.count - 1, Int(random.uniform() * Double(stored.count)))]
      // A rollout without a reward is nothing to compare with: it goes first.
      let place = group.places.first { batch.rollouts[$0].reward == nil } ?? group.places.lowerBound
      plan.replays.append(
        Replay(
          drawn, replacing: place,
          because: [.init("mean_reward", .number(mean)), .init("stored", .number(stored.count))]))
    }
    context.report.metric("store/failed_groups", Double(failed))
    context.report.metric("store/without_success", Double(without))
    return plan
  }

  /// The successes.
  package func admit(
    _ batch: ReplayBatch, to index: ReplayIndex, memory: inout ReplayMemory, in context: ReplayContext
  ) -> ReplayAdmission {
    ReplayAdmission(batch.rollouts.indices.filter { (batch.rollouts[$0].reward ?? -.infinity) > options.successAbove })
  }

  /// How the group failed.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep) -> Explanation? {
    if let origin = trajectory.origin {
      guard let mean = origin["mean_reward"]?.doubleValue, let stored = origin["stored"]?.intValue else { return nil }
      return
        "its group failed with the mean reward \(mean), and it was drawn from \(stored, "stored success")"
    }
    guard case .dropped(_, "replaced") = trajectory.outcome else { return nil }
    return "all of its group failed, with rewards below \(options.meanBelow) on average"
  }

  /// The mean and the population standard deviation; nil where there are no rewards.
  private static func statistics(_ rewards: [Double]) -> (mean: Double, deviation: Double)? {
    if rewards.isEmpty { return nil }
    let mean = rewards.reduce(0, +) / Double(rewards.count)
    let squares = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(rewards.count)).squareRoot())
  }
}

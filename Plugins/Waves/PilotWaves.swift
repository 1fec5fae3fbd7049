// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A few rollouts of each prompt first; the rest only where their rewards differ.
///
/// With `second: next-step` the rest is made together with the first rollouts of the prompts that come next, and complete groups are
/// trained on first in, first out.
///
/// Source: "SPEED-RL: Faster Training of Reasoning Models via Online Curriculum Learning".
// Differs from SPEED: by default the rest is made in the same step, so that all rollouts of a group are the same policy's. With
// next-step, rollouts of an earlier step keep the log-probabilities of the policy that made them, and the update goes by them. A
// step that has fewer complete groups than it should goes on with those. Any two numbers of rollouts go.
package struct PilotWaves: WavePolicy {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "pilot", summary: "A few rollouts of each prompt first, and the rest where their rewards differ (SPEED)",
    papers: [
      Paper("SPEED-RL: Faster Training of Reasoning Models via Online Curriculum Learning", arXiv: "2506.09016")
    ],
    rules: [
      DropRule(
        "no-contrast",
        because: "the rewards of its group's first rollouts are all equal, so the rest of the group was not made")
    ])

  /// The options.
  package struct Options: ComponentOptions {
    package var first = 4
    package var second = Second.sameStep

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "first": "the rollouts of each prompt at first; those that pass get the rest of 'n'",
      "second":
        "when the rest is made: same-step, at once; next-step, with the first rollouts of the prompts that come next and the policy "
        + "of then, as in SPEED, while complete groups go on first in, first out",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      first < 2 ? [OptionProblem("first", "is \(first), it must be at least 2, since rewards are compared")] : []
    }
  }

  /// When the rest of a group is made.
  package enum Second: String, Codable, Sendable, CaseIterable {
    /// In the same step, by the same policy.
    case sameStep = "same-step"
    /// With the first rollouts of the prompts that come next: as a rule in the next step, by its policy.
    case nextStep = "next-step"
  }

  private let options: Options

  /// Whether the rest is made in the next step.
  package var waits: Bool { options.second == .nextStep }

  /// Makes the policy.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// `first` and `n`.
  package func plan(for n: Int) throws -> WavePlan {
    guard options.first < n else {
      throw PipelineError(
        .invalidSpec,
        "'waves.with.first' is \(options.first), it must be less than n, \(n), the rollouts of a whole group")
    }
    return WavePlan(first: options.first, most: n)
  }

  /// Groups with contrast are completed, then admitted.
  package func decide(_ groups: [WaveGroup], in context: WaveContext) -> [WaveDecision] {
    groups.map { group in
      if context.wave > 0 { return .admit }
      let rewards = group.rewards.compactMap { $0 }
      guard let first = rewards.first, rewards.contains(where: { $0 != first }) else {
        return .drop(rule: "no-contrast")
      }
      let rest = context.n - group.rewards.count
      return rest <= 0 ? .admit : waits ? .later(rest) : .more(rest)
    }
  }

  /// What the first rollouts were worth.
  package func explanation(of trajectory: LineageEntry, in step: LineageStep, n: Int) -> Explanation? {
    let first = step.group.prefix(options.first).compactMap(\.reward)
    guard !first.isEmpty else { return nil }
    let isFlat = first.allSatisfy { $0 == first[0] }
    if isFlat { return "its \(first.count, "first rollout") all had the reward \(first[0])" }
    let rest = step.group.count - options.first
    if waits, rest <= 0 {
      return
        "the rewards of its \(first.count, "first rollout") differ, so the group gets \(max(0, n - options.first)) more later"
    }
    return "the rewards of its \(first.count, "first rollout") differ, so the group got \(max(0, rest)) more"
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// What a run itself does and writes, beside its stages: the rules that it drops by, and its figures.
package enum RunReference {
  /// The rule for groups beyond those that a step began with.
  static let surplus = DropRule(
    "surplus", because: "further prompts were rolled out to fill the step, and gave more groups than it has room for")

  /// The rule for rollouts of a group beyond those that the policy of its waves keeps.
  static let waveSurplus = DropRule(
    "wave-surplus", because: "the policy of the waves keeps a part of its group, and this rollout is not in it")

  /// The rule for rollouts of a group that the policy of its waves lets wait.
  static let waveWaiting = DropRule(
    "wave-waiting",
    because:
      "its group waits for the rest of its rollouts, which are made with the first ones of the prompts that come next")

  /// The rule for rollouts of a complete group that waits for its turn.
  static let waveQueued = DropRule(
    "wave-queued", because: "its group is complete and waits for its turn, since the step had room for no more groups")

  /// The rule for prompts that come again too soon.
  package static let waveOngoing = DropRule(
    "wave-ongoing", because: "a group of the same prompt still waits, and a batch has a group only once")

  private static let waveDropPrefix = "wave-drop:"

  /// The rule of the run for groups that the policy of waves drops by one of its own.
  static func waveDrop(_ rule: String) -> String { waveDropPrefix + rule }

  /// The policy's own rule, of a rule that ``waveDrop(_:)`` made.
  package static func waveRule(_ rule: String) -> String? {
    rule.hasPrefix(waveDropPrefix) ? String(rule.dropFirst(waveDropPrefix.count)) : nil
  }

  /// The rules by which a run drops trajectories, in the name of the stage that asked for more prompts or for waves.
  package static let rules = [
    surplus, waveSurplus, waveWaiting, waveQueued, waveOngoing,
    DropRule("wave-drop:<rule>", because: "the policy of the waves dropped its group by a rule of its own"),
  ]

  /// The figures that a run adds to those of its stages, under the names that its files have.
  package static let metrics = stages + data + timings + evaluation

  private static let data = [
    MetricAbout("data/trajectories", unit: "trajectories", "what the step began with; prompts, where it has a rollout"),
    MetricAbout("data/groups", unit: "groups", "groups that the step began with"),
    MetricAbout("probe/rollouts", unit: "trajectories", "rolled out before the step, for a sampler to learn from"),
    MetricAbout("probe/response_tokens", unit: "tokens", "tokens of those rollouts"),
  ]

  private static let stages = [
    MetricAbout("<stage>/kept", unit: "trajectories", "left behind the stage", combining: .sum),
    MetricAbout("<stage>/dropped/<rule>", unit: "trajectories", "dropped by a rule of the stage", combining: .sum),
    MetricAbout(
      "<stage>/collapsed_share", unit: "share",
      "trajectories behind the stage with |advantage| < 0.1, each draw counted"),
    MetricAbout(
      "<stage>/advantage_histogram", unit: "trajectories",
      "advantages behind the stage, each draw counted, between 'edges'; a histogram, not a number"),
    MetricAbout("<stage>/attempts", unit: "batches of prompts", "what a stage that asks for more prompts took"),
    MetricAbout("<stage>/waves", unit: "waves", "the most waves of rollouts that a batch of prompts took"),
    MetricAbout("<stage>/rollouts", unit: "trajectories", "rollouts of all waves, those that leave included"),
    MetricAbout("<stage>/admitted_groups", unit: "groups", "groups that the policy of the waves let pass"),
    MetricAbout("<stage>/wave_dropped_groups", unit: "groups", "groups that it dropped"),
    MetricAbout(
      "<stage>/waiting_groups", unit: "groups", "groups that wait for the rest of their rollouts after the step"),
    MetricAbout("<stage>/queued_groups", unit: "groups", "complete groups that wait for their turn after the step"),
    MetricAbout(
      "<stage>/waited_rollouts", unit: "trajectories",
      "rollouts of earlier steps in the groups that went on in this one"),
    MetricAbout(
      "<stage>/waited_steps_max", unit: "steps", "the most steps that one of them had waited", combining: .maximum),
  ]

  private static let timings = [
    MetricAbout("timing_s/read", unit: "seconds", "time to read the batch"),
    MetricAbout("timing_s/probe", unit: "seconds", "time of the rollouts that a sampler learns from"),
    MetricAbout("timing_s/write", unit: "seconds", "time to write trajectories and lineage"),
    MetricAbout("timing_s/step", unit: "seconds", "time of the whole step"),
    MetricAbout("timing_s/testing", unit: "seconds", "time to evaluate the policy"),
    MetricAbout("timing_s/<stage>", unit: "seconds", "time that the stage took"),
  ]

  private static let evaluation =
    [
      MetricAbout("val/failed_prompts", unit: "prompts", "evaluation prompts that cannot be used"),
      MetricAbout("val/skipped_prompts", unit: "prompts", "evaluation prompts left out as too long"),
    ] + figures("val/<category>/", of: "the questions of one category")
    + figures("val/", of: "the questions of an evaluation")

  private static func figures(_ prefix: String, of whose: String) -> [MetricAbout] {
    [
      MetricAbout(prefix + "response_length", unit: "tokens", "mean length of the responses to \(whose)"),
      MetricAbout(prefix + "clip_ratio", unit: "share", "responses to \(whose) that were cut off at the length limit"),
      MetricAbout(prefix + "questions", unit: "questions", "number of \(whose)"),
      MetricAbout(prefix + "unscored_questions", unit: "questions", "\(whose) without a scored response"),
      MetricAbout(prefix + "unscored_responses", unit: "responses", "responses to \(whose) without a score"),
      MetricAbout(prefix + "pass@<k>", unit: "share", "chance that one of k responses to one of \(whose) is right"),
      MetricAbout(prefix + "<score>_low", unit: "score", "lower end of the 95 % interval of the mean over \(whose)"),
      MetricAbout(prefix + "<score>_high", unit: "score", "upper end of that interval"),
      MetricAbout(prefix + "<score>", unit: "score", "mean over \(whose) of each question's mean score"),
    ]
  }
}

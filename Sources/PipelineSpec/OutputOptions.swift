// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// Where a pipeline's results go.
public struct OutputOptions: ComponentOptions {
  /// The trajectories that are left after the last stage.
  public var rollouts = SpecPath("selected.jsonl")
  /// Whether the run writes down what became of each trajectory.
  public var lineage = true

  /// One line on each option.
  public static let help = [
    "rollouts": "The trajectories that are left, in the run directory; \"-\" is standard output",
    "lineage": "Whether to write down for each trajectory which stage kept or dropped it, and why",
  ]

  /// The defaults.
  public init() {}

  /// There must be somewhere to write.
  public func problems() -> [OptionProblem] {
    rollouts.text.isEmpty
      ? [OptionProblem("rollouts", "is missing; name a file, or \"-\" for standard output")] : []
  }
}

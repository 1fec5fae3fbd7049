// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Where a pipeline's results go.
package struct OutputOptions: ComponentOptions {
  /// The trajectories that are left after the last stage.
  package var rollouts = SpecPath("selected.jsonl")
  /// Which steps keep all of their rollouts, those that no update saw included.
  package var allRollouts = AllRollouts.auto
  /// Whether a run that keeps no trajectory at all ends well.
  package var allowEmpty = false
  /// Whether the run records what became of each trajectory.
  package var lineage = true
  /// Whether the run also writes its metrics and timings for TensorBoard.
  package var tensorboard = TensorBoardChoice.auto
  /// How the run is shown.
  package var report = ReportSettings()

  /// One line for each option.
  package static let help = [
    "rollouts": "The file, in the run directory, for the trajectories that are left",
    "all_rollouts":
      "Whether to keep all rollouts in rollouts.jsonl.zst, as sampled and scored, for a replay: on, off, {\"every\": 10} for every tenth step, or auto, which means on if the run samples them",
    "allow_empty": "Whether a run that keeps no trajectory at all ends well, instead of with an error",
    "lineage": "Whether to record for each trajectory which stage kept or dropped it, and why",
    "tensorboard":
      "Whether to write metrics and timings for TensorBoard too: on, off, or auto, which means on if a policy is trained",
    "report": "How `report` and `view` show the run",
  ]

  /// The defaults.
  package init() {}

  /// Whether events for TensorBoard are written.
  package enum TensorBoardChoice: String, Codable, Sendable, CaseIterable {
    /// If a policy is trained.
    case auto
    /// Always.
    case on
    /// Never.
    case off
  }

  /// The run's own files in its directory.
  private static let taken: Set = [
    "resolved.json", "state.json", "metrics.jsonl", "timings.jsonl", "lineage.jsonl", "bad-records.jsonl", "taps",
    "evaluations.jsonl", "checkpoints", "tensorboard", allRolloutsFile,
  ]

  /// The file for all rollouts, in the run's directory.
  package static let allRolloutsFile = "rollouts.jsonl.zst"

  /// The file must be in the run's directory, and not one of the run's own.
  package func problems() -> [OptionProblem] {
    let path = rollouts.text
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let problem: String? =
      if path.isEmpty {
        "is missing; name a file"
      } else if path == "-" || parts.contains(where: { $0.isEmpty || $0.hasPrefix(".") }) {
        "is '\(path)', it must be a file name within the run directory; `run --output` says where that is"
      } else if Self.taken.contains(String(parts[0])) {
        "is '\(path)', which the run itself writes; choose another name"
      } else if path.hasSuffix(".gz") || path.hasSuffix(".zst") {
        "is '\(path)', but a run grows its files step by step, plain; compress it afterwards"
      } else {
        nil
      }
    return problem.map { [OptionProblem("rollouts", $0)] } ?? []
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import PipelineRuntime
import PipelineSpec

/// The report at the end of a run.
struct RunReport {
  let summary: RunSummary
  let plan: RunPlan
  let path: String
  let seconds: Double

  var text: String {
    var lines = [headline, ""]
    let nameWidth = summary.stages.map(\.name.count).max() ?? 0
    let countWidth = summary.stages.map { String($0.arrived).count }.max() ?? 0
    for stage in summary.stages {
      let rules = stage.dropped.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
      let dropped = rules.isEmpty ? "" : "  dropped: " + rules.joined(separator: ", ")
      lines.append(
        "  \(pad(stage.name, nameWidth))  \(pad(stage.arrived, countWidth)) → \(pad(stage.left, countWidth))"
          + "  \(Self.time(stage.seconds).leftPadded(8))\(dropped)")
    }
    lines.append("")
    if summary.evaluations.count > 0 {
      lines.append(contentsOf: EvaluationTable(summary.evaluations).lines + [""])
    }
    lines.append(contentsOf: notes)
    if let checkpoint = summary.checkpoint { lines.append("checkpoint    \(checkpoint)") }
    if let best = summary.bestCheckpoint, best != summary.checkpoint { lines.append("best          \(best)") }
    if let file = plan.rolloutsFile { lines.append("trajectories  \(path)/\(file)") }
    if plan.keepsAllRolloutsEvery != nil { lines.append("all rollouts  \(path)/\(OutputOptions.allRolloutsFile)") }
    lines.append("metrics       \(path)/metrics.jsonl")
    if plan.writesTensorBoard {
      lines.append("tensorboard   tensorboard --logdir \(path.quotedForShell)")
    }
    if plan.writesLineage {
      lines.append("lineage       \(path)/lineage.jsonl — ask it: shuffle-r1 why \(path.quotedForShell) ID")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var headline: String {
    let before = summary.stepsBefore == 0 ? "" : " (\(summary.stepsBefore) done before, left out below)"
    let trajectories = summary.counts.trajectories.of(plan.reader.kind == .prompts ? "prompt" : "trajectory")
    return "\(trajectories), \(summary.steps.of("step"))\(before), \(Self.time(seconds))"
  }

  private var notes: [String] {
    var notes: [String] = []
    if summary.counts.badRecords > 0 {
      notes.append("left out      \(summary.counts.badRecords.of("bad record")): \(path)/bad-records.jsonl")
    }
    if summary.counts.nonFiniteRecords > 0 {
      notes.append("NaN           in \(summary.counts.nonFiniteRecords.of("record")), taken for null")
    }
    for stage in summary.stages where stage.failed > 0 {
      notes.append("no reward     \(stage.failed.of("failure")) in '\(stage.name)': \(stage.firstFailure ?? "")")
    }
    return notes
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func pad(_ number: Int, _ width: Int) -> String { String(number).leftPadded(width) }

  /// A duration for display.
  static func time(_ seconds: Double) -> String {
    switch seconds {
    case ..<0.01: "\((seconds * 1e4).rounded() / 10) ms"
    case ..<1: "\(Int((seconds * 1e3).rounded())) ms"
    case ..<60: "\((seconds * 10).rounded() / 10) s"
    default: "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    }
  }
}

extension String {
  /// The text as one word of a shell command line.
  var quotedForShell: String {
    let isPlain =
      !isEmpty
      && unicodeScalars.allSatisfy { $0.properties.isAlphabetic || "0123456789-_./+,:@%".unicodeScalars.contains($0) }
    return isPlain ? self : "'" + replacing("'", with: #"'\''"#) + "'"
  }

  /// The text, right-aligned in a column.
  func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}

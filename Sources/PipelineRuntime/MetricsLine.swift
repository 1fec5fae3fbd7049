// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The line of `metrics.jsonl`, or of `timings.jsonl`, for one step.
struct MetricsLine {
  /// What the line says, in order.
  private(set) var members: [JSONValue.Member]

  init(step: Int) { members = [.init("step", .number(step))] }

  /// The line of `timings.jsonl`, in seconds.
  init(step: Int, timings: [(String, Double)]) {
    self.init(step: step)
    members += timings.map { .init("timing_s/\($0.0)", .number($0.1)) }
    members.append(.init("timing_s/step", .number(timings.reduce(0) { $0 + $1.1 })))
  }

  /// Counts what came in.
  mutating func describeInput(_ batch: TrajectoryBatch) {
    set("data/trajectories", .number(Double(batch.count)))
    set("data/groups", .number(Double(batch.groups.count)))
  }

  /// Takes over a stage's own figures, and those that mean the same after every stage.
  mutating func describe(
    stage: String, batch: TrajectoryBatch, drops: ArraySlice<TrajectoryBatch.Drop>, report: StageReport
  ) {
    for metric in report.metrics {
      set(metric.name.contains("/") ? metric.name : "\(stage)/\(metric.name)", .number(metric.value))
    }
    set("\(stage)/kept", .number(Double(batch.count)))
    var byRule: [String: Int] = [:]
    for drop in drops { byRule[drop.rule, default: 0] += 1 }
    for (rule, count) in byRule.sorted(by: { $0.key < $1.key }) {
      set("\(stage)/dropped/\(rule)", .number(Double(count)))
    }
    if let spread = AdvantageSpread(batch) {
      set("\(stage)/collapsed_share", .number(spread.collapsedShare))
      set("\(stage)/advantage_histogram", spread.histogram)
    }
  }

  /// The line, with its line end.
  var line: [UInt8] {
    var bytes: [UInt8] = []
    JSONValue.object(members).write(to: &bytes)
    bytes.append(0x0A)
    return bytes
  }

  private mutating func set(_ name: String, _ value: JSONValue) {
    members.removeAll { $0.key == name }
    members.append(.init(name, value))
  }
}

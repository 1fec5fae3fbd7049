// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The line of `metrics.jsonl` for one step.
struct MetricsLine {
  private let step: Int
  private(set) var metrics: [StageReport.Metric] = []

  init(step: Int) { self.step = step }

  /// Counts what came in.
  mutating func describeInput(_ batch: TrajectoryBatch) {
    add("data/trajectories", Double(batch.count))
    add("data/groups", Double(batch.groups.count))
  }

  /// Takes over a stage's own figures, and those that mean the same after every stage.
  mutating func describe(
    stage: String, batch: TrajectoryBatch, drops: ArraySlice<TrajectoryBatch.Drop>, report: StageReport
  ) {
    for metric in report.metrics { add(metric.name, metric.value) }
    add("\(stage)/kept", Double(batch.count))
    var byRule: [String: Int] = [:]
    for drop in drops { byRule[drop.rule, default: 0] += 1 }
    for (rule, count) in byRule.sorted(by: { $0.key < $1.key }) { add("\(stage)/dropped/\(rule)", Double(count)) }
    if let collapsed = batch.collapsedShare { add("\(stage)/collapsed_share", collapsed) }
  }

  /// The line, with its line end.
  var line: [UInt8] {
    Self.encode([.init("step", .number(step))] + metrics.map { .init($0.name, .number($0.value)) })
  }

  /// The line of `timings.jsonl`, in seconds.
  static func timings(step: Int, _ timings: [(String, Double)]) -> [UInt8] {
    encode(
      [.init("step", .number(step))] + timings.map { .init("timing_s/\($0.0)", .number($0.1)) }
        + [.init("timing_s/step", .number(timings.reduce(0) { $0 + $1.1 }))])
  }

  private mutating func add(_ name: String, _ value: Double) {
    metrics.removeAll { $0.name == name }
    metrics.append(.init(name: name, value: value))
  }

  private static func encode(_ members: [JSONValue.Member]) -> [UInt8] {
    var bytes: [UInt8] = []
    JSONValue.object(members).write(to: &bytes)
    bytes.append(0x0A)
    return bytes
  }
}

extension TrajectoryBatch {
  /// The share of trajectories with |A| < 0.1, the paper's "advantage collapsing"; each draw counts once.
  ///
  /// Nil while there are no advantages.
  var collapsedShare: Double? {
    var collapsed = 0
    var all = 0
    for trajectory in trajectories {
      guard let advantage = trajectory.advantage else { continue }
      let times = trajectory.draws?.count ?? 1
      all += times
      if abs(advantage) < 0.1 { collapsed += times }
    }
    return all == 0 ? nil : Double(collapsed) / Double(all)
  }
}

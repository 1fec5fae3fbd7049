// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// The line of `metrics.jsonl`, of `timings.jsonl` or of `evaluations.jsonl` for one step.
struct MetricsLine {
  /// What the line says, in order.
  private(set) var members: [JSONValue.Member]

  /// A line that says `members`.
  init(members: [JSONValue.Member]) { self.members = members }

  init(step: Int) { members = [.init("step", .number(step))] }

  /// The line of `timings.jsonl`, in seconds; with the time at which this part of the run was started, which tells where a run
  /// was resumed.
  init(step: Int, timings: [(String, Double)], started: Date) {
    self.init(step: step)
    members.append(.init("started", .string(started.formatted(.iso8601))))
    members += timings.map { .init("timing_s/\($0.0)", .number($0.1)) }
    members.append(.init("timing_s/step", .number(timings.reduce(0) { $0 + $1.1 })))
  }

  /// Counts what came in.
  mutating func describeInput(_ batch: TrajectoryBatch) {
    set("data/trajectories", .number(Double(batch.count)))
    set("data/groups", .number(Double(batch.groups.count)))
  }

  /// Counts what was rolled out before the step, to learn from alone.
  mutating func describe(_ probe: ProbeTally) {
    set("probe/rollouts", .number(Double(probe.rollouts)))
    set("probe/response_tokens", .number(Double(probe.tokens)))
  }

  /// Sets a value, in the place of an earlier one of that name.
  mutating func set(_ name: String, _ value: JSONValue) {
    members.removeAll { $0.key == name }
    members.append(.init(name, value))
  }

  /// The line, with its line end.
  var line: [UInt8] {
    var bytes: [UInt8] = []
    JSONValue.object(members).write(to: &bytes)
    bytes.append(0x0A)
    return bytes
  }

  /// The numbers of the line by their names.
  var numbers: [String: Double] {
    Dictionary(
      members.compactMap { member in member.value.doubleValue.map { (member.key, $0) } },
      uniquingKeysWith: { _, last in last })
  }

  /// The line without what an evaluation found, which has lines of its own.
  var withoutEvaluation: MetricsLine {
    var line = self
    line.members.removeAll { $0.key.hasPrefix("val/") }
    return line
  }
}

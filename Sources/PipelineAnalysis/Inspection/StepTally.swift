// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The number of records of each step, and how rewards and zero-variance groups change over the steps.
package struct StepTally: Sendable {
  package struct Entry: Sendable {
    package var records = 0
    var rewards = 0
    var rewardSum = 0.0
    var meanReward: Double? { rewards == 0 ? nil : rewardSum / Double(rewards) }
  }

  private var entries: [Int: Entry] = [:]
  /// Whether the records name their step; otherwise steps are batches.
  private(set) var isNamed = false

  mutating func add(_ trajectory: Trajectory, batch: Int) {
    isNamed = isNamed || trajectory.step != nil
    var entry = entries[trajectory.step ?? trajectory.batch ?? batch] ?? Entry()
    entry.records += 1
    if let reward = trajectory.reward {
      entry.rewards += 1
      entry.rewardSum += reward
    }
    entries[trajectory.step ?? trajectory.batch ?? batch] = entry
  }

  var noun: String { isNamed ? "step" : "batch" }
  package var count: Int { entries.count }
  package var sorted: [(step: Int, entry: Entry)] { entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

  /// The records of each step, as a distribution.
  var recordsPerStep: ValueTally {
    var tally = ValueTally()
    for (_, entry) in sorted { tally.add(Double(entry.records)) }
    return tally
  }

  /// Mean rewards of sections of consecutive steps, at most `limit` sections of the same length.
  func rewardCurve(limit: Int) -> (points: [Double?], stepsPerPoint: Int) {
    let steps = sorted
    let stride = max(1, (steps.count + limit - 1) / max(1, limit))
    let points = Swift.stride(from: 0, to: steps.count, by: stride).map { start -> Double? in
      let run = steps[start..<min(start + stride, steps.count)]
      let rewards = run.reduce(0) { $0 + $1.entry.rewards }
      return rewards == 0 ? nil : run.reduce(0) { $0 + $1.entry.rewardSum } / Double(rewards)
    }
    return (points, stride)
  }
}

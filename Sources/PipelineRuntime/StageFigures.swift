// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A stage's figures of one step, which may have taken several batches of prompts.
struct StageFigures {
  private struct Figure {
    var value: Double
    var weight: Double
    let combining: StageReport.Combining

    mutating func add(_ metric: StageReport.Metric, weight added: Double) {
      switch combining {
      case .sum: value += metric.value
      case .minimum: value = min(value, metric.value)
      case .maximum: value = max(value, metric.value)
      case .mean where weight + added > 0:
        value = (value * weight + metric.value * added) / (weight + added)
        weight += added
      case .mean: break
      }
    }
  }

  private var names: [String] = []
  private var figures: [String: Figure] = [:]
  private var kept = 0
  private var dropped: [String: Int] = [:]
  private var spread = AdvantageSpread()

  /// Adds what a stage did to a batch.
  ///
  /// - Parameter spread: How the batch's advantages are spread.
  mutating func add(
    _ report: StageReport, arrived: Int, batch: TrajectoryBatch, dropped: [String: Int], spread: AdvantageSpread
  ) {
    for metric in report.metrics {
      if figures[metric.name] == nil {
        names.append(metric.name)
        figures[metric.name] = Figure(value: metric.value, weight: Double(arrived), combining: metric.combining)
      } else {
        figures[metric.name]?.add(metric, weight: Double(arrived))
      }
    }
    kept += batch.count
    self.dropped.merge(dropped, uniquingKeysWith: +)
    self.spread.add(spread)
  }

  /// Notes trajectories that have come by another way.
  mutating func gain(_ count: Int) { kept += count }

  /// Notes trajectories that leave after all.
  mutating func lose(_ count: Int, rule: String) {
    kept -= count
    dropped[rule, default: 0] += count
  }

  /// Writes the figures under the stage's name.
  func write(as stage: String, to line: inout MetricsLine) {
    for name in names {
      line.set(name.contains("/") ? name : "\(stage)/\(name)", .number(figures[name]?.value ?? 0))
    }
    line.set("\(stage)/kept", .number(Double(kept)))
    for (rule, count) in dropped.sorted(by: { $0.key < $1.key }) {
      line.set("\(stage)/dropped/\(rule)", .number(Double(count)))
    }
    if let share = spread.collapsedShare {
      line.set("\(stage)/collapsed_share", .number(share))
      line.set("\(stage)/advantage_histogram", spread.histogram)
    }
  }
}

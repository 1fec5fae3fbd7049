// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The metrics about the advantages of a batch.
struct AdvantageSummary {
  private var count = 0
  private var sum = 0.0
  private var least = Double.infinity
  private var greatest = -Double.infinity
  private var groups = 0
  private var allRight = 0
  private var allWrong = 0

  mutating func add(_ advantage: Double) {
    count += 1
    sum += advantage
    least = min(least, advantage)
    greatest = max(greatest, advantage)
  }

  mutating func addGroup(rewards: [Double]) {
    groups += 1
    guard rewards.count > 1, rewards.allSatisfy({ $0 == rewards[0] }) else { return }
    if rewards[0] >= 0.5 { allRight += 1 } else { allWrong += 1 }
  }

  func write(to report: StageReport) {
    if count > 0 {
      report.metric("critic/advantages/mean", sum / Double(count))
      report.metric("critic/advantages/max", greatest, combining: .maximum)
      report.metric("critic/advantages/min", least, combining: .minimum)
    }
    report.metric("groups", Double(groups), combining: .sum)
    report.metric("zero_variance_groups", Double(allRight + allWrong), combining: .sum)
    report.metric("all_right_groups", Double(allRight), combining: .sum)
    report.metric("all_wrong_groups", Double(allWrong), combining: .sum)
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What is counted over a batch.
struct SubsetTally {
  var candidates = 0
  var kept = 0
  var keptWithoutAdvantage = 0
  var groupsWithoutAny = 0
  private var gains: [Double] = []

  mutating func addGain(_ choice: MaxVariance) {
    if !choice.isConstant { gains.append(choice.variance / choice.wholeVariance) }
  }

  func report(to report: StageReport, _ strategy: SubsetStage.Strategy) {
    report.metric("candidates", Double(candidates), combining: .sum)
    report.metric("kept", Double(kept), combining: .sum)
    report.metric("groups_without_any", Double(groupsWithoutAny), combining: .sum)
    if strategy.facts.measure == .magnitude {
      report.metric("kept_without_advantage", Double(keptWithoutAdvantage), combining: .sum)
    }
    // The same for any order of the groups.
    if !gains.isEmpty { report.metric("variance_gain", gains.sorted().reduce(0, +) / Double(gains.count)) }
  }
}

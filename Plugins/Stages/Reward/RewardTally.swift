// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The metrics and warnings about the rewards of a batch.
struct RewardTally {
  private struct Mean {
    var sum = 0.0
    var count = 0
    var least = Double.infinity
    var most = -Double.infinity

    var mean: Double { sum / Double(count) }

    mutating func add(_ value: Double) {
      sum += value
      count += 1
      least = min(least, value)
      most = max(most, value)
    }
  }

  /// How often a function did not score for one reason, and the first case.
  private struct Gaps {
    let function: String
    let status: RewardStatus
    let firstID: String
    let firstReason: String
    var count = 1
  }

  /// What a function looks for, and in how many responses there was none.
  private struct Search {
    /// The function's name, and that of its part that says so.
    let function: String
    let description: String
    var missing = 0

    var part: String { "\(function)/\(SoughtAnswer.part)" }
  }

  private let functions: [String]
  private var searches: [Search]
  private var overall = Mean()
  private var partNames: [String] = []
  private var parts: [String: Mean] = [:]
  private var statuses: [RewardStatus: Int] = [:]
  private var gaps: [Gaps] = []
  private var kept = 0
  private var count = 0

  init(functions: [WeightedReward]) {
    self.functions = functions.map(\.name)
    searches = functions.flatMap { function in
      function.reward.sought.map {
        Search(
          function: $0.function.isEmpty ? function.name : "\(function.name)/\($0.function)", description: $0.description
        )
      }
    }
  }

  /// Counts a trajectory whose reward is kept.
  mutating func keep(_ reward: Double?) {
    kept += 1
    count += 1
    if let reward { overall.add(reward) }
  }

  mutating func add(_ judgement: Judgement, of id: String) {
    count += 1
    statuses[judgement.status, default: 0] += 1
    if let reward = judgement.reward { overall.add(reward) }
    for part in judgement.parts {
      if let search = searches.firstIndex(where: { $0.part == part.name }) {
        if part.score == 0 { searches[search].missing += 1 }
        continue
      }
      if parts[part.name] == nil { partNames.append(part.name) }
      parts[part.name, default: Mean()].add(part.score)
    }
    for gap in judgement.gaps {
      let function = functions[gap.function]
      if let index = gaps.firstIndex(where: { $0.function == function && $0.status == gap.status }) {
        gaps[index].count += 1
      } else {
        gaps.append(Gaps(function: function, status: gap.status, firstID: id, firstReason: gap.reason))
      }
    }
  }

  /// From which share on responses without an answer are warned of.
  private static let worthAWarning = 0.5

  private func warn(_ search: Search, of judged: Int, to report: StageReport) {
    let share =
      search.missing == judged ? "all" : "\(Int((100 * Double(search.missing) / Double(judged)).rounded(.down))) %"
    report.warn(
      "no-answer",
      "\(share) of the responses hold no \(search.description); for '\(search.function)' they are wrong, whatever they say: ask "
        + "for it in the prompt, or look elsewhere", count: search.missing)
  }

  func write(to report: StageReport) {
    if overall.count > 0 {
      report.metric("reward/overall", overall.mean)
      // A penalty that changes rewards later reports `critic/rewards` anew; the score remains.
      for area in ["critic/score", "critic/rewards"] {
        report.metric("\(area)/mean", overall.mean)
        report.metric("\(area)/max", overall.most, combining: .maximum)
        report.metric("\(area)/min", overall.least, combining: .minimum)
      }
    }
    for name in partNames {
      if let mean = parts[name]?.mean { report.metric("reward/\(name)", mean) }
    }
    for search in searches {
      guard let judged = parts[search.function]?.count else { continue }
      let share = Double(search.missing) / Double(judged)
      report.metric("reward/\(search.function)/no_answer", share)
      if share >= Self.worthAWarning { warn(search, of: judged, to: report) }
    }
    for status in RewardStatus.allCases {
      report.metric("reward_status/\(status.rawValue)", Double(statuses[status, default: 0]), combining: .sum)
    }
    report.metric("reward_status/already_scored", Double(kept), combining: .sum)
    for gap in gaps {
      let verb =
        switch gap.status {
        case .abstained: "abstained from"
        case .timedOut: "did not answer in time for"
        default: "failed on"
        }
      report.warn(
        "reward-\(gap.status == .timedOut ? "timed-out" : gap.status.rawValue)",
        "'\(gap.function)' \(verb) \(gap.count) of \(count) trajectories; the first is '\(gap.firstID)': "
          + gap.firstReason, count: gap.count)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The lengths of prompts and responses, under EasyR1's and verl's names; not reported if the policy shows no tokens.
struct RolloutLengths {
  private struct Spread {
    var sum = 0
    var least = Int.max
    var most = 0
    var count = 0

    mutating func add(_ length: Int) {
      sum += length
      least = min(least, length)
      most = max(most, length)
      count += 1
    }

    func report(_ name: String, to report: StageReport) {
      if count == 0 { return }
      report.metric("\(name)/mean", Double(sum) / Double(count))
      report.metric("\(name)/max", Double(most), combining: .maximum)
      report.metric("\(name)/min", Double(least), combining: .minimum)
    }
  }

  private var responses = Spread()
  private var prompts = Spread()
  private var clipped = 0
  private var count = 0
  private let limit: Int

  /// - Parameter limit: The most tokens that a response may have.
  init(limit: Int) { self.limit = limit }

  mutating func add(_ rollout: Trajectory) throws {
    count += 1
    if let tokens = try rollout.tokenCount { responses.add(tokens) }
    if let tokens = try rollout.tokenIDs(of: .promptTokens) { prompts.add(tokens.count) }
    if try rollout.finish == "length" { clipped += 1 }
  }

  func report(to report: StageReport) {
    responses.report("response_length", to: report)
    if count > 0 { report.metric("response_length/clip_ratio", Double(clipped) / Double(count)) }
    if responses.count > 0 { report.metric("perf/response_tokens", Double(responses.sum), combining: .sum) }
    prompts.report("prompt_length", to: report)
    if count > 0, clipped == count {
      report.warn(
        "all-cut-off",
        "every response was cut off at \(limit) tokens; raise sampling.max_tokens of the rollout stage",
        count: clipped)
    }
  }
}

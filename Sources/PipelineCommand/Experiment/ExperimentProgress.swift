// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineRuntime
import Synchronization

/// Tells how far a study is: a line at the bottom of a terminal, and a sentence for each run that ends.
final class ExperimentProgress: Sendable {
  private struct Work {
    let job: Experiment.Job
    let began: ContinuousClock.Instant
  }
  private struct State {
    var finished: Int
    var atWork: [String: Work] = [:]
    /// The share of the study that was done when this process began.
    let shareBefore: Double
  }

  private let state: Mutex<State>
  private let count: Int
  private let line: ProgressLine
  private let isQuiet: Bool
  private let began = ContinuousClock().now

  init(_ jobs: [Experiment.Job], quiet: Bool) {
    let finished = jobs.count { $0.standing?.isFinished == true }
    let begun = jobs.filter { $0.standing?.isFinished == false }
    let before = begun.reduce(Double(finished)) { $0 + Self.share($1, steps: $1.standing?.completeSteps ?? 0) }
    state = Mutex(State(finished: finished, shareBefore: before / Double(max(1, jobs.count))))
    (count, isQuiet, line) = (jobs.count, quiet, ProgressLine(quiet: quiet))
  }

  private static func share(_ job: Experiment.Job, steps: Int) -> Double {
    job.steps.map { min(1, Double(steps) / Double($0)) } ?? 0
  }

  func begins(_ job: Experiment.Job) {
    state.withLock { $0.atWork[job.job.name] = Work(job: job, began: ContinuousClock().now) }
  }

  /// A run has come to its end.
  func ends(_ job: Experiment.Job) {
    let (finished, seconds) = state.withLock { state in
      state.finished += 1
      let work = state.atWork.removeValue(forKey: job.job.name)
      return (state.finished, work.map { (ContinuousClock().now - $0.began).inSeconds } ?? 0)
    }
    let left = secondsLeft(share()).map { ", about \(RunReport.time($0)) left" } ?? ""
    say("\(finished)/\(count)  \(job.job.name)  \(RunReport.time(seconds))\(finished < count ? left : "")")
  }

  /// A run has ended before its end.
  func stops(_ job: Experiment.Job) { state.withLock { _ = $0.atWork.removeValue(forKey: job.job.name) } }

  /// Says something above the line, unless little is to be said.
  func say(_ text: String) {
    if !isQuiet { line.say(text) }
  }

  /// A run has failed, which is always said.
  func fails(_ job: Experiment.Job, _ reason: String) {
    stops(job)
    line.say("\(job.job.name) failed: \(reason)")
  }

  /// Keeps the line up to date until the task is cancelled.
  func tick() async {
    guard Terminal.showsErrors, !isQuiet else { return }
    while !Task.isCancelled {
      let (finished, names) = state.withLock { ($0.finished, $0.atWork.keys.sorted()) }
      let (place, share) = ("\(finished)/\(count)", share())
      line.update(
        "\(place) at work: \(names.joined(separator: ", "))", shorter: ["\(place), \(names.count) at work", place],
        share: share, secondsLeft: secondsLeft(share))
      try? await Task.sleep(for: .milliseconds(500))
    }
  }

  func end() { line.clear() }

  /// The share of the study that is done.
  private func share() -> Double {
    let (finished, atWork) = state.withLock { ($0.finished, $0.atWork.values.map(\.job)) }
    let done = atWork.reduce(Double(finished)) {
      $0 + Self.share($1, steps: $1.steps == nil ? 0 : RunStanding.savedSteps(in: $1.folder))
    }
    return done / Double(max(1, count))
  }

  /// At the speed since this process began; nil before anything is done.
  private func secondsLeft(_ share: Double) -> Double? {
    let done = share - state.withLock { $0.shareBefore }
    guard done > 0 else { return nil }
    return (ContinuousClock().now - began).inSeconds / done * (1 - share)
  }
}

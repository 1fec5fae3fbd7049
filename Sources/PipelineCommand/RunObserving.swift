// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import PipelineRuntime
import Synchronization

/// Shows progress on standard error: a progress line, each warning once, the first bad records.
final class TerminalObserver: RunObserver {
  private struct State {
    var warned: [String: (steps: Int, last: Int)] = [:]
    var badRecords = 0
    var share: Double?
    /// What is being done.
    var activity = "opening the run"
    /// What the last step of a training was like.
    var training: String?
    var steps: Int?
    var stepsSeen = 0
    var secondsSeen = 0.0
    var secondsLeft: Double?
  }
  private let state = Mutex(State())
  private let line: ProgressLine
  private let quiet: Bool

  /// The stage that makes the rollouts of a run; nil for none.
  private let generating: String?

  /// - Parameters:
  ///   - line: The command's progress line, if it draws one itself.
  ///   - generating: The stage that makes the rollouts of a run; nil for none.
  init(quiet: Bool, line: ProgressLine? = nil, generating: String? = nil) {
    self.quiet = quiet
    self.generating = generating
    self.line = line ?? ProgressLine(quiet: quiet)
  }

  func progressed(step: Int, activity: String, share: Double?) {
    let known = state.withLock { state in
      state.share = share ?? state.share
      state.activity = "step \(step): \(activity)"
      return state
    }
    guard let training = known.training else {
      return line.update("step \(step): \(activity)", share: known.share, secondsLeft: known.secondsLeft)
    }
    let place = known.steps.map { "step \(min(step + 1, $0))/\($0)" } ?? "step \(step + 1)"
    let stage = activity.prefix { $0 != ":" }
    line.update(
      "\(place) \(activity) · \(training)", shorter: ["\(place) \(stage) · \(training)", "\(place) · \(training)"],
      share: known.share, secondsLeft: known.secondsLeft)
  }

  /// What is being done, in a line.
  var whereabouts: String {
    state.withLock { state in
      let share = state.share.map { ", \(Int(100 * $0)) % done" } ?? ""
      return "at work in \(state.activity)\(share)\(state.training.map { " · \($0)" } ?? "")"
    }
  }

  func stepEnded(_ report: StepReport) {
    guard let text = TrainingFigures(report, generating: generating).text else { return }
    state.withLock { state in
      state.training = text
      state.steps = report.steps
      state.stepsSeen += 1
      state.secondsSeen += report.seconds
      state.secondsLeft = report.steps.map {
        Double($0 - report.step - 1) * state.secondsSeen / Double(state.stepsSeen)
      }
    }
  }

  func evaluated(steps: Int, _ metrics: [StageReport.Metric]) {
    if !quiet, let text = EvaluationFigures.line(metrics) { line.say("step \(steps): \(text)") }
  }

  func saved(checkpoint: String) {}

  func warned(step: Int, stage: String, _ warning: StageReport.Warning) {
    let isFirst = state.withLock { state in
      let key = "\(stage)/\(warning.code)"
      guard let before = state.warned[key] else {
        state.warned[key] = (steps: 1, last: step)
        return true
      }
      // Two reward functions may give the same warning in one step.
      if before.last != step { state.warned[key] = (steps: before.steps + 1, last: step) }
      return false
    }
    if isFirst, !quiet { line.say("warning: step \(step), \(stage): \(warning.message)") }
  }

  func found(_ badRecord: BadRecord) {
    let count = state.withLock { state in
      state.badRecords += 1
      return state.badRecords
    }
    if quiet || count > 3 { return }
    line.say("warning: \(badRecord.location): \(badRecord.reason); the record is left out")
    if count == 3 { line.say("warning: further bad records are only counted") }
  }

  /// Removes the progress line and reports repeated warnings.
  func end() {
    line.clear()
    if quiet { return }
    for (warning, count) in state.withLock({ $0.warned }).sorted(by: { $0.key < $1.key }) where count.steps > 1 {
      Terminal.say("warning: \(warning) came up in \(count.steps) steps")
    }
  }
}

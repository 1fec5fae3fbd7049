// SPDX-License-Identifier: Apache-2.0
import PipelineAnalysis
import PipelineRuntime

/// What a study is going to run, in words.
struct ExperimentSummary {
  private let plan: StudyPlan
  private let jobs: [Experiment.Job]

  init(_ plan: StudyPlan, _ jobs: [Experiment.Job]) { (self.plan, self.jobs) = (plan, jobs) }

  /// How many runs there are, and how far.
  var headline: String {
    let finished = jobs.count { $0.standing?.isFinished == true }
    let begun = jobs.count { ($0.standing?.completeSteps ?? 0) > 0 } - finished
    let settings = plan.hasGrid ? " × \(plan.settings.count.of("setting"))" : ""
    return "\(plan.arms.count.of("arm"))\(settings) × \(plan.seeds.count.of("seed")): \(jobs.count.of("run")) here, "
      + "\(finished) finished, \(max(0, begun)) begun"
  }

  /// The plan: what every arm and setting changes.
  var text: String {
    var lines = [plan.study.title.isEmpty ? headline : "\(plan.study.title)\n\(headline)", ""]
    let width = plan.arms.map(\.name.count).max() ?? 0
    for arm in plan.arms {
      let name = arm.name + String(repeating: " ", count: width - arm.name.count)
      lines.append("  \(name)  \(([arm.spec] + arm.changes.map(\.argument)).joined(separator: "  "))")
    }
    if plan.hasGrid {
      lines.append("")
      for setting in plan.settings { lines.append("  \(setting.changes.map(\.argument).joined(separator: "  "))") }
    }
    lines += [
      "", "seeds     \(plan.seeds.map(String.init).joined(separator: ", "))",
      "measure   \(plan.study.measure.sentence)", "baseline  \(plan.baseline)", "output    \(plan.output)",
    ]
    return lines.joined(separator: "\n") + "\n"
  }
}

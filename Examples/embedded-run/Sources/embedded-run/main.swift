// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import StandardPlugins

/// 1 for a response that says how it came to its answer.
struct ReasonedReward: RewardFunction {
  static let about = ComponentAbout(name: "reasoned", summary: "1 for a response with the word 'so' or 'because'")
  let reads: Set<Field> = [.response]
  init(options: NoOptions, assembly: Assembly) {}

  func score(_ trajectory: Trajectory) throws -> RewardOutcome {
    guard let response = try trajectory.response else { return .abstained("there is no response") }
    return .scored(response.contains("so ") || response.contains("because ") ? 1 : 0)
  }
}

struct StepPrinter: RunObserver {
  func stepEnded(_ report: StepReport) {
    print("step \(report.step): reasoned \(report.metrics["reward/reasoned"] ?? .nan)")
  }
}

var registry = try Registry.standard()
try registry.register(ReasonedReward.self)
let run = try PipelineRun(
  spec: "Examples/embedded-run/pipeline.json", registry: registry, output: "runs/embedded", observer: StepPrinter())
let summary = try await run.run()
print("\(summary.counts.trajectories) rollouts, \(summary.stages.last?.left ?? 0) trained on")

// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RolloutPlugin
import Testing

@Suite("rollout", .timeLimit(.minutes(15)))
struct RolloutStageTests {
  private func prompts(_ texts: [String]) -> TrajectoryBatch {
    TrajectoryBatch(
      texts.enumerated().map { index, text in
        Trajectory(id: "p\(index)", group: "p\(index)", fields: [.prompt: .string(text), .answer: "7"])
      }, number: 3)
  }

  private func run(
    _ batch: TrajectoryBatch, _ policy: ScriptedPolicy?, _ change: (inout RolloutStage.Options) -> Void = { _ in }
  ) async throws -> (batch: TrajectoryBatch, report: StageReport) {
    var options = RolloutStage.Options()
    options.n = 3
    change(&options)
    let stage = try RolloutStage(options: options, assembly: .empty)
    let context = StageContext(
      stage: "rollout", step: 3, seed: 5, training: TrainingContext(policy: policy?.policy, policyVersion: 3))
    var batch = batch
    try await stage.run(&batch, in: context)
    try AboutLaws.check(stage, named: "rollout", dropsOf: batch, report: context.report)
    return (batch, context.report)
  }

  @Test("rollouts stand where their prompt stood, and say how and by which policy they were sampled")
  func replacesPrompts() async throws {
    let policy = ScriptedPolicy(answers: ["a": ["x", "yy"]], otherwise: ["zzz"])
    let (batch, report) = try await run(prompts(["a", "b"]), policy) { $0.promptsAtOnce = 1 }
    #expect(batch.trajectories.map(\.id) == ["p0/0", "p0/1", "p0/2", "p1/0", "p1/1", "p1/2"])
    #expect(try batch.trajectories.map { try $0.response } == ["x", "yy", "x", "zzz", "zzz", "zzz"])
    #expect(try batch[0].value(of: .policyVersion) == 3)
    #expect(batch[0].step == 3)
    #expect(try batch[0].answer == "7")
    #expect(batch.inputCount == 6 && batch.inputPositions == [0, 1, 2, 3, 4, 5] && batch.expansion == 4)
    let metrics = Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
    // x and the end token, yy and the end token, …: 2 + 3 + 2 + 4 + 4 + 4 tokens.
    #expect(metrics["response_length/mean"] == 19.0 / 6)
    #expect(metrics["response_length/max"] == 4 && metrics["response_length/min"] == 2)
    #expect(metrics["response_length/clip_ratio"] == 0)
    #expect(metrics["prompt_length/mean"] == 1)
  }

  @Test("a prompt that cannot be used leaves by a rule, with a warning that says why")
  func unusablePrompt() async throws {
    let policy = ScriptedPolicy(failures: ["b": "the image is missing"])
    let (batch, report) = try await run(prompts(["a", "b", "c"]), policy)
    #expect(batch.count == 6)
    #expect(batch.drops.map(\.rule) == ["unusable-prompt"])
    #expect(batch.drops.first?.inputPosition == 3)
    #expect(batch.inputCount == 7)
    #expect(report.warnings.map(\.code) == ["unusable-prompt"])
    #expect(report.warnings.first?.message.contains("the image is missing") == true)
  }

  @Test("a limit that cuts off every response is warned about, with what to raise")
  func allCutOff() async throws {
    let (_, report) = try await run(prompts(["a"]), ScriptedPolicy(otherwise: ["long answer"])) {
      $0.sampling.maxTokens = 4
    }
    #expect(report.warnings.map(\.code) == ["all-cut-off"])
    #expect(report.metrics.first { $0.name == "response_length/clip_ratio" }?.value == 1)
  }

  @Test("what cannot work at all is an error")
  func errors() async throws {
    await #expect(throws: PipelineError.self) { try await run(prompts(["a"]), nil) }
    let none = ScriptedPolicy(failures: ["a": "no"])
    await #expect(throws: PipelineError.self) { try await run(prompts(["a"]), none) }
    let rollouts = TrajectoryBatch([
      Trajectory(id: "1", group: "g", fields: [.prompt: "a"]), Trajectory(id: "2", group: "g", fields: [.prompt: "a"]),
    ])
    await #expect(throws: PipelineError.self) { try await run(rollouts, ScriptedPolicy()) }
  }
}

extension Assembly {
  /// An assembly that can make nothing.
  fileprivate static var empty: Assembly { Assembly(registry: Registry(), reader: NoReader()) }
  private struct NoReader: OptionsReader {
    func read<Options: ComponentOptions>(_ type: Options.Type, from tree: OptionTree) throws -> Options { Options() }
  }
}

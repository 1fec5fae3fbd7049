// SPDX-License-Identifier: Apache-2.0
import EntropiesPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("EntropiesStage", .timeLimit(.minutes(15)))
struct EntropiesStageTests {
  private func run(
    _ batch: inout TrajectoryBatch, policy: ScriptedPolicy = ScriptedPolicy(),
    _ change: (inout EntropiesStage.Options) -> Void = { _ in }
  ) async throws -> StageReport {
    var options = EntropiesStage.Options()
    change(&options)
    let stage = EntropiesStage(options: options, assembly: .plain())
    let context = StageContext(stage: "entropies", training: TrainingContext(policy: policy.policy))
    try await stage.run(&batch, in: context)
    try AboutLaws.check(stage, named: "entropies", dropsOf: batch, report: context.report)
    return context.report
  }

  private func rollout(_ id: String, _ response: String, _ fields: KeyValuePairs<Field, JSONValue> = [:]) -> Trajectory
  {
    var trajectory = Trajectory(id: id, group: "g", fields: fields)
    trajectory.set(.prompt, to: "What is x?")
    trajectory.set(.response, to: .string(response))
    trajectory.set(.finish, to: "stop")
    return trajectory
  }

  private func metric(_ name: String, _ report: StageReport) -> Double? {
    report.metrics.first { $0.name == name }?.value
  }

  @Test("one number for each token, at temperature 1 whatever the responses were sampled at")
  func example() async throws {
    let policy = ScriptedPolicy()
    var batch = TrajectoryBatch([
      rollout("a", "ab"), rollout("b", "c", [.sampling: ["temperature": 2]]),
    ])
    let report = try await run(&batch, policy: policy)
    let prompt = EncodedPrompt(tokens: "What is x?".utf8.map { Int32($0) })
    let group = ResponseGroup(prompt: prompt, responses: [[97, 98, 256], [99, 256]])
    let wanted: [[Float]] = await policy.entropies(of: [group])[0]
    for (trajectory, wanted) in zip(batch.trajectories, wanted) {
      let found = try trajectory.numbers(of: .entropies, count: wanted.count)
      #expect(zip(found, wanted).allSatisfy { abs($0 - Double($1)) < 1e-6 })
      #expect(try trajectory.tokenCount == wanted.count)
    }
    let all: [Double] = wanted.joined().map { Double($0) }
    let mean = all.reduce(0, +) / 5
    let greatest = all.max() ?? 0
    #expect(abs((metric("mean", report) ?? 0) - mean) < 1e-6)
    #expect(abs((metric("max", report) ?? 0) - greatest) < 1e-6)
  }

  @Test("records that have entropies keep them, or get those of this policy")
  func existing() async throws {
    let input = TrajectoryBatch([rollout("a", "a", [.entropies: [9, 9]]), rollout("b", "b")])
    var batch = input
    let report = try await run(&batch) { $0.existing = .keep }
    #expect(try batch[0].value(of: .entropies) == [9, 9])
    #expect(metric("already_known", report) == 1)
    batch = input
    _ = try await run(&batch)
    #expect(try batch[0].value(of: .entropies) != [9, 9])
    #expect(batch[1].has(.entropies))
  }

  @Test("a record that cannot be used leaves with the rule; if none can be used, that is an error")
  func unusable() async throws {
    let broken = Trajectory(id: "c", group: "g", fields: [.prompt: "What is x?"])
    var batch = TrajectoryBatch([rollout("a", "a"), broken])
    let report = try await run(&batch)
    #expect(batch.trajectories.map(\.id) == ["a"])
    #expect(batch.drops.map(\.rule) == ["unusable"])
    #expect(
      report.warnings.first?.message.hasPrefix("of 1 of 2 trajectories entropies cannot be computed; the first, 'c': ")
        == true)
    var none = TrajectoryBatch([broken])
    await #expect(throws: PipelineError.self) { _ = try await run(&none) }
  }

  @Test("a policy without entropies is refused")
  func refused() async throws {
    var policy = ScriptedPolicy().policy
    policy.entropies = nil
    #expect(!policy.abilities.contains(.entropies))
    let stage = EntropiesStage(assembly: .plain())
    #expect(stage.needs == [.entropies])
    var batch = TrajectoryBatch([rollout("a", "a")])
    let context = StageContext(stage: "entropies", training: TrainingContext(policy: policy))
    let error = await #expect(throws: PipelineError.self) { try await stage.run(&batch, in: context) }
    #expect(error?.message.hasPrefix("it needs the policy's ability 'entropies'") == true)
  }
}

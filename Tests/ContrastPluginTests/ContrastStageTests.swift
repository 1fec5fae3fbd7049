// SPDX-License-Identifier: Apache-2.0
import ContrastPlugin
import PipelineCore
import PipelineTesting
import Testing

@Suite("ContrastStage", .timeLimit(.minutes(15)))
struct ContrastStageTests {
  private func rollout(_ id: String, group: String, image: Bool = true) -> Trajectory {
    var parts: [JSONValue] = [["type": "text", "text": "What is it?"]]
    if image { parts.append(["type": "image", "image": "a.png"]) }
    return Trajectory(
      id: id, group: group,
      fields: [
        .prompt: [["role": "user", "content": .array(parts)]], .response: "ab", .finish: "stop",
        .logprobs: [-1, -1, -1],
      ])
  }

  private func run(
    _ batch: inout TrajectoryBatch, policy: Policy, step: Int = 1
  ) async throws -> StageReport {
    let stage = ContrastStage(assembly: .plain())
    let context = StageContext(stage: "contrast", step: step, training: TrainingContext(policy: policy))
    try await stage.run(&batch, in: context)
    try AboutLaws.check(stage, named: "contrast", dropsOf: batch, report: context.report)
    return context.report
  }

  private func numbers(_ trajectory: Trajectory) throws -> [Double] {
    try trajectory.numbers(of: .logprobsContrast, count: 3)
  }

  @Test("one change for the rollouts of a prompt in a step, and another for another prompt and another step")
  func change() async throws {
    let scripted = ScriptedPolicy()
    let input = TrajectoryBatch([rollout("a", group: "g"), rollout("b", group: "g"), rollout("c", group: "h")])
    var batch = input
    let report = try await run(&batch, policy: scripted.policy)
    let found = try batch.trajectories.map(numbers)
    #expect(found[0] == found[1] && found[0] != found[2])
    var later = input
    _ = try await run(&later, policy: scripted.policy, step: 2)
    #expect(try numbers(later[0]) != found[0])
    var again = input
    _ = try await run(&again, policy: scripted.policy)
    #expect(try again.trajectories.map(numbers) == found)
    let sum: Double = found.joined().reduce(0, +)
    let difference = try #require(report.metrics.first { $0.name == "difference" }).value
    #expect(abs(difference + 1 + sum / 9) < 1e-6)
  }

  @Test("without an image nothing changes, and the metric says how many there are")
  func withoutImage() async throws {
    let scripted = ScriptedPolicy()
    var batch = TrajectoryBatch([rollout("a", group: "g", image: false), rollout("b", group: "h")])
    let report = try await run(&batch, policy: scripted.policy)
    let prompt = EncodedPrompt(tokens: "What is it?".utf8.map { Int32($0) })
    let plain: [Float] = await scripted.logProbs(
      of: [ResponseGroup(prompt: prompt, responses: [[97, 98, 256]])], temperature: 1)[0][0]
    #expect(try zip(numbers(batch[0]), plain).allSatisfy { abs($0 - Double($1)) < 1e-6 })
    #expect(report.metrics.first { $0.name == "without_image" }?.value == 1)
  }

  @Test("a policy that does not change images is refused, instead of comparing an image with itself")
  func refused() async throws {
    var policy = ScriptedPolicy().policy
    policy.imageChanging = nil
    #expect(!policy.abilities.contains(.imageChanges))
    var batch = TrajectoryBatch([rollout("a", group: "g")])
    let error = await #expect(throws: PipelineError.self) { _ = try await run(&batch, policy: policy) }
    #expect(error?.message.hasPrefix("it needs the policy's ability 'image-changes'") == true)
    #expect(ContrastStage(assembly: .plain()).needs == [.logProbs, .imageChanges])
  }

  @Test("a record that cannot be used leaves with the rule; the probability is bounded")
  func unusable() async throws {
    var batch = TrajectoryBatch([
      rollout("a", group: "g"), Trajectory(id: "b", group: "g", fields: [.prompt: "What is it?"]),
    ])
    _ = try await run(&batch, policy: ScriptedPolicy().policy)
    #expect(batch.drops.map(\.rule) == ["unusable"])
    var options = ContrastStage.Options()
    options.black = 2
    #expect(options.problems().map { "\($0.path) \($0.message)" } == ["black is 2.0, it must lie in 0.0…1.0"])
  }
}

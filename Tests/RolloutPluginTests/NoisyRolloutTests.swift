// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore
import PipelineTesting
import RolloutPlugin
import Testing

@Suite("rollout: noisy images", .timeLimit(.minutes(15)))
struct NoisyRolloutTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let mode: String
      let coefficient: Double
      let middle: Double
      let step: Double
      let steps: Double
      let decay: Double
      let diffusion_step: Int
      let pixels: [Double]
      let noise: [Double]
      let noisy: [Double]
    }
    let cases: [Case]
  }

  @Test("decay, steps and noisy values are those of NoisyRollout's program")
  func oracle() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/noisy_rollout.json")
    let cases = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file)).cases
    #expect(cases.count == 8)
    for numbers in cases {
      var options = NoiseOptions()
      let names: [String: NoiseOptions.Decay] = ["pow": .power, "exp": .exponential]
      options.decay = try #require(names[numbers.mode] ?? NoiseOptions.Decay(rawValue: numbers.mode))
      (options.coefficient, options.middle) = (numbers.coefficient, numbers.middle)
      #expect(abs(options.share(step: numbers.step, of: numbers.steps) - numbers.decay) < 1e-9)
      let count = options.diffusionSteps(step: numbers.step, of: numbers.steps)
      #expect(count == numbers.diffusion_step)
      let signal = NoiseOptions.signal(after: count)
      for (index, wanted) in numbers.noisy.enumerated() {
        let found = RGBImage.noisy(numbers.pixels[index], numbers.noise[index], signal: signal)
        #expect(abs(found - wanted) < 1e-5, "\(numbers.mode) \(numbers.step)")
      }
    }
  }

  private func prompts() -> TrajectoryBatch {
    TrajectoryBatch(
      (0..<2).map { index in
        Trajectory(
          id: "p\(index)", group: "p\(index)",
          fields: [
            .prompt: [
              ["role": "user", "content": [["type": "image", "image": "a.png"], ["type": "text", "text": "?"]]]
            ]
          ])
      }, number: 3)
  }

  private func run(
    _ policy: Policy, plannedSteps: Int? = 60, step: Int = 3, _ change: (inout RolloutStage.Options) -> Void = { _ in }
  ) async throws -> (batch: TrajectoryBatch, report: StageReport) {
    var options = RolloutStage.Options()
    (options.n, options.noisy) = (2, 2)
    change(&options)
    let stage = try RolloutStage(options: options, assembly: .plain())
    let context = StageContext(
      stage: "rollout", step: step, seed: 5, training: TrainingContext(policy: policy, plannedSteps: plannedSteps))
    var batch = prompts()
    try await stage.run(&batch, in: context)
    try AboutLaws.check(stage, named: "rollout", dropsOf: batch, report: context.report)
    return (batch, context.report)
  }

  @Test("further rollouts of noisy images are numbered on, say so, and keep the clean prompt")
  func group() async throws {
    let scripted = ScriptedPolicy()
    let (batch, report) = try await run(scripted.policy)
    #expect(batch.trajectories.map(\.id) == ["p0/0", "p0/1", "p0/2", "p0/3", "p1/0", "p1/1", "p1/2", "p1/3"])
    let marks = try batch.trajectories.map { try $0.value(of: .sampling)?["images"]?.stringValue }
    #expect(marks == [nil, nil, "noisy", "noisy", nil, nil, "noisy", "noisy"])
    #expect(try batch[0].value(of: .prompt) == batch[2].value(of: .prompt))
    #expect(try batch[0].value(of: .logprobs) != batch[2].value(of: .logprobs))
    #expect(try batch[2].value(of: .logprobs) == batch[3].value(of: .logprobs))
    let signal = try #require(report.metrics.first { $0.name == "image_signal" }).value
    #expect(abs(signal - NoiseOptions.signal(after: 499)) < 1e-12)
    var changes: [ImageChange] = []
    for case .generate(let requests, _) in await scripted.calls {
      changes += requests.flatMap { $0.prompt.images.map(\.change) }
    }
    // Clean prompts first, then noisy ones, another noise for each.
    #expect(changes.count == 4 && changes.prefix(2) == [.none, .none] && Set(changes).count == 3)
    // The clean rollouts are those of a run without noise.
    let plain = try await run(ScriptedPolicy().policy) { $0.noisy = 0 }
    #expect(try plain.batch[0].value(of: .sampling) == batch[0].value(of: .sampling))
  }

  @Test("when the noise has fallen to nothing, further rollouts are clean")
  func faded() async throws {
    let (batch, report) = try await run(ScriptedPolicy().policy, step: 60)
    #expect(batch.count == 8)
    #expect(try batch.trajectories.allSatisfy { try $0.value(of: .sampling)?["images"] == nil })
    #expect(report.metrics.first { $0.name == "image_signal" }?.value == 1)
  }

  @Test("without a number of steps there is no fall, and without the ability no noise")
  func refused() async throws {
    let unknown = await #expect(throws: PipelineError.self) {
      _ = try await run(ScriptedPolicy().policy, plannedSteps: nil)
    }
    #expect(
      unknown?.message
        == "the noise of 'noisy' falls over the run, whose number of steps nobody can tell; set training.steps, or noise.decay "
        + "to 'none'")
    _ = try await run(ScriptedPolicy().policy, plannedSteps: nil) { $0.noise.decay = .none }
    var policy = ScriptedPolicy().policy
    policy.imageChanging = nil
    await #expect(throws: PipelineError.self) { _ = try await run(policy) }
    var options = RolloutStage.Options()
    options.noisy = 1
    #expect(try RolloutStage(options: options, assembly: .plain()).needs == [.generation, .imageChanges])
    options.noisy = -1
    #expect(options.problems().map(\.message) == ["is -1, it must be 0 or more"])
    var noise = NoiseOptions()
    (noise.strength, noise.decay, noise.coefficient) = (1000, .exponential, 1)
    #expect(
      noise.problems().map { "\($0.path) \($0.message)" } == [
        "strength is 1000, it must lie in 0…999", "coefficient is 1.0, as a base it must lie between 0 and 1",
      ])
  }
}

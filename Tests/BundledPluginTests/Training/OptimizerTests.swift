// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import PipelineTesting
import Testing

/// Steps on a clipped loss, as the fixture's script makes them with PyTorch.
struct ClippedTraining {
  let groups: [ResponseGroup]
  let oldLogProbs: [[[Float]]]
  let advantages: [[Float]]
  let temperature: Double
  let clip: Float
  let step: OptimizerStep
  /// What PyTorch found in each step.
  let losses: [Double]
  let norms: [Double]

  init(_ reference: ReferenceModel) throws {
    let document = try #require(try reference.document()["training"])
    let options = try #require(document["options"])
    func option(_ name: String) throws -> Double { try #require(options[name]?.doubleValue) }
    func floats(_ value: JSONValue?) -> [Float] {
      (value?.arrayValue ?? []).compactMap { $0.doubleValue.map { Float($0) } }
    }
    let cases = try reference.cases()
    let stored = document["groups"]?.arrayValue ?? []
    groups = stored.map { group in
      ResponseGroup(
        prompt: cases[group["case"]?.intValue ?? 0].prompt(without: 5),
        responses: (group["responses"]?.arrayValue ?? []).map { floats($0).map { Int32($0) } })
    }
    oldLogProbs = stored.map { ($0["old_log_probs"]?.arrayValue ?? []).map(floats) }
    advantages = stored.map { floats($0["advantages"]) }
    temperature = try option("temperature")
    clip = Float(try option("clip"))
    var step = OptimizerStep(learningRate: try option("learning_rate"))
    step.beta1 = try option("beta1")
    step.beta2 = try option("beta2")
    step.epsilon = try option("epsilon")
    step.weightDecay = try option("weight_decay")
    step.maxGradientNorm = try option("max_gradient_norm")
    self.step = step
    let steps = document["steps"]?.arrayValue ?? []
    losses = steps.compactMap { $0["loss"]?.doubleValue }
    norms = steps.compactMap { $0["gradient_norm"]?.doubleValue }
  }

  /// One step; returns the loss and what the optimizer says.
  @discardableResult
  func run(_ policy: BundledPolicy, _ change: (inout OptimizerStep) -> Void = { _ in }) async throws -> (
    loss: Double, report: OptimizerReport
  ) {
    let count = Float(groups.reduce(0) { $0 + $1.responses.reduce(0) { $0 + $1.count } })
    let losses = Recorded<Double>()
    try await policy.accumulate(groups, temperature: temperature) { place, logProbs in
      let advantage = advantages[place.group][place.response]
      return zip(logProbs, oldLogProbs[place.group][place.response]).map { new, old in
        let ratio = exp(new - old)
        let clipped = min(max(ratio, 1 - clip), 1 + clip)
        losses.append(Double(-min(ratio * advantage, clipped * advantage) / count))
        return ratio * advantage <= clipped * advantage ? -ratio * advantage / count : 0
      }
    }
    var step = step
    change(&step)
    return (losses.values.reduce(0, +), try await policy.step(step))
  }
}

@Suite("The optimizer", .timeLimit(.minutes(15)))
struct OptimizerTests {
  private let reference: ReferenceModel
  private let training: ClippedTraining

  init() throws {
    reference = try .named("odd")
    training = try ClippedTraining(reference)
  }

  private func files(_ folder: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      found[name] = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
    }
    return found
  }

  private func policy(_ folder: String, _ vision: VisionUse = .trained) throws -> BundledPolicy {
    var options = BundledPolicy.Options()
    options.use = .training(vision: vision)
    options.optimizer = .saved
    return try BundledPolicy(folder: folder, options: options)
  }

  @Test("three AdamW steps on a clipped loss are PyTorch's to 1e-5 in every parameter")
  func threeSteps() async throws {
    let scratch = try Scratch()
    let policy = try reference.policy()
    for index in 0..<3 {
      let found = try await training.run(policy)
      #expect(abs(found.loss - training.losses[index]) < 1e-4)
      let norm = training.norms[index]
      expectWithin(
        1e-4, Float(abs(found.report.gradientNorm - norm) / norm), "\(reference): norm before clipping, relative")
      #expect(found.report.steps == index + 1)
    }
    try await policy.save(to: scratch.path + "/after")
    let before = try Checkpoint(folder: reference.modelFolder)
    let after = try Checkpoint(folder: scratch.path + "/after")
    let expected = try SafetensorsFile(path: reference.folder + "/oracle.safetensors")
    for declaration in after.config.expectedTensors {
      let found = try #require(after.tensor(named: declaration.name)).floats
      let wanted = try #require(expected["adamw." + declaration.newerName]).floats
      expectWithin(
        1e-5, largestDifference(found, wanted), "\(reference): weights after three AdamW steps", declaration.name)
      #expect(largestDifference(found, before.tensor(named: declaration.name)?.floats ?? []) > 5e-4)
    }
  }

  @Test("two steps, a save, a load and a third step give the bytes of three steps")
  func resume() async throws {
    let scratch = try Scratch()
    let straight = try reference.policy()
    for _ in 0..<3 { try await training.run(straight) }
    try await straight.save(to: scratch.path + "/straight")

    let first = try reference.policy()
    for _ in 0..<2 { try await training.run(first) }
    try await first.save(to: scratch.path + "/middle")
    let second = try policy(scratch.path + "/middle")
    try await second.save(to: scratch.path + "/copy")
    try await training.run(second)
    try await second.save(to: scratch.path + "/end")

    let expected = try files(scratch.path + "/straight")
    #expect(expected.keys.contains("optimizer.safetensors"))
    #expect(try files(scratch.path + "/end") == expected)
    #expect(try files(scratch.path + "/copy") == files(scratch.path + "/middle"))
    #expect(try files(scratch.path + "/middle") != expected)
  }

  @Test("a new run begins with a fresh optimizer, or by option with the state in the model's folder")
  func optimizerOfAnotherRun() async throws {
    let scratch = try Scratch()
    let first = try reference.policy()
    for _ in 0..<2 { try await training.run(first) }
    try await first.save(to: scratch.path + "/model")
    func steps(_ choice: OptimizerChoice, checkpoint: String? = nil) async throws -> Int {
      var options = BundledPolicyBackend.Options()
      (options.model, options.optimizer, options.vision) = (SpecPath(scratch.path + "/model"), choice, .trained)
      let backend = BundledPolicyBackend(options: options, assembly: .plain())
      let policy = try await backend.opened(PolicyOpening(purpose: .training, checkpoint: checkpoint))
      return try await policy.required(.training, \.trainable).step(OptimizerStep(learningRate: 0)).steps
    }
    #expect(try await steps(.fresh) == 1)
    #expect(try await steps(.continue) == 3)
    #expect(try await steps(.fresh, checkpoint: scratch.path + "/model") == 3)
    try FileManager.default.removeItem(atPath: scratch.path + "/model/optimizer.safetensors")
    #expect(try await steps(.fresh) == 1)
    let found = await message(without: scratch.path) { _ = try await steps(.continue) }
    #expect(
      found
        == "FOLDER/model has no optimizer.safetensors, which \"optimizer\": \"continue\" of the policy asks for; name a "
        + "checkpoint of a run, or leave the option out")
  }

  @Test("training gives the same bytes on 1, 2 and 7 threads")
  func threads() async throws {
    let scratch = try Scratch()
    for threads in [1, 2, 7] {
      let policy = try reference.policy(threads: threads)
      for _ in 0..<2 { try await training.run(policy) }
      try await policy.save(to: "\(scratch.path)/\(threads)")
    }
    #expect(try files(scratch.path + "/2") == files(scratch.path + "/1"))
    #expect(try files(scratch.path + "/7") == files(scratch.path + "/1"))
  }

  @Test("a frozen vision tower stays as it was, bit for bit, and its state is not saved")
  func frozenVision() async throws {
    let scratch = try Scratch()
    let policy = try reference.policy(.training(vision: .frozen))
    try await training.run(policy)
    try await policy.save(to: scratch.path + "/after")
    let before = try Checkpoint(folder: reference.modelFolder)
    let after = try Checkpoint(folder: scratch.path + "/after")
    for tensor in before.tensors {
      let isSame = after.tensor(named: tensor.name)?.floats == tensor.floats
      #expect(isSame == tensor.name.hasPrefix("visual."), "\(tensor.name)")
    }
    let found = await message(without: scratch.path) { _ = try self.policy(scratch.path + "/after") }
    #expect(found.contains("FOLDER/after/optimizer.safetensors has no 'visual.patch_embed.proj.weight.exp_avg' of"))
  }

  @Test("decay spares norms and biases where only matrices decay; the vision tower has a rate of its own")
  func parameterGroups() async throws {
    let scratch = try Scratch()
    let policy = try reference.policy()
    // Without a gradient only the decay moves a weight.
    try await policy.accumulate(training.groups, temperature: 1) { _, logProbs in logProbs.map { _ in 0 } }
    var step = OptimizerStep(learningRate: 0.1)
    (step.weightDecay, step.decaying, step.visionRateFactor) = (0.5, .matrices, 0.2)
    _ = try await policy.step(step)
    try await policy.save(to: scratch.path + "/after")
    let before = try Checkpoint(folder: reference.modelFolder)
    let after = try Checkpoint(folder: scratch.path + "/after")
    for tensor in before.tensors {
      let factor =
        tensor.shape.count < 2 ? 1 : tensor.name.hasPrefix("visual.") ? 1 - 0.1 * 0.2 * 0.5 : 1 - 0.1 * 0.5
      let found = try #require(after.tensor(named: tensor.name)).floats
      // The factor is rounded, and the product: half a unit in the last place each.
      #expect(
        zip(found, tensor.floats).allSatisfy { abs(Double($0) - Double($1) * factor) <= 0x1p-23 * Double(abs($1)) },
        "\(tensor.name)")
    }
  }

  @Test("a gradient that is not finite is named; the step is not applied", arguments: [Float.nan, .infinity])
  func notFinite(_ value: Float) async throws {
    let scratch = try Scratch()
    let policy = try reference.policy()
    try await training.run(policy)
    try await policy.save(to: scratch.path + "/before")
    try await policy.accumulate(training.groups, temperature: 1) { place, logProbs in
      logProbs.map { _ in place.response == 2 ? value : 0.1 }
    }
    let found = await message { _ = try await policy.step(training.step) }
    #expect(
      found
        == "the gradient of 'model.embed_tokens.weight' is not finite; the step is not applied. Lower the learning "
        + "rate, or look for infinite advantages")
    try await policy.save(to: scratch.path + "/after")
    #expect(try files(scratch.path + "/after") == files(scratch.path + "/before"))
    // The gradients are forgotten: the next step is as if nothing had been.
    try await training.run(policy)
    try await policy.save(to: scratch.path + "/next")
    let other = try self.policy(scratch.path + "/before")
    try await training.run(other)
    try await other.save(to: scratch.path + "/other")
    #expect(try files(scratch.path + "/next") == files(scratch.path + "/other"))
  }

  @Test("a step without gradients moves nothing but by decay")
  func nothing() async throws {
    let policy = try reference.policy()
    let report = try await policy.step(OptimizerStep(learningRate: 0.1))
    #expect(report == OptimizerReport(gradientNorm: 0, steps: 1))
  }
}

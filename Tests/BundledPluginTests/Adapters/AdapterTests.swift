// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import PipelineTesting
import Testing

@Suite("Low-rank adapters", .timeLimit(.minutes(15)))
struct AdapterTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The models of the repository, in F32 and in BF16.
  static let models = FamilyReference.all.filter { $0.folder.hasPrefix(Fixture.path("families")) }
  private static let settings = AdapterSettings(rank: 3, alpha: 6)

  private func policy(
    _ reference: FamilyReference, _ settings: AdapterSettings = settings, training: Bool = true,
    optimizer: BundledPolicy.OptimizerStart = .fresh
  ) throws -> BundledPolicy {
    var options = BundledPolicy.Options()
    options.use = training ? .training(vision: .frozen) : .inference
    (options.adapters, options.optimizer, options.threads) = (settings, optimizer, 2)
    return try BundledPolicy(folder: reference.modelFolder, options: options)
  }

  private func groups(_ reference: FamilyReference) throws -> [ResponseGroup] {
    try reference.cases().map { ResponseGroup(prompt: $0.prompt, responses: [$0.ids("response_ids")]) }
  }

  private func step(_ policy: BundledPolicy, _ groups: [ResponseGroup]) async throws {
    try await policy.accumulate(groups, temperature: 1) { _, logProbs in logProbs.map { _ in -1 } }
    _ = try await policy.step(OptimizerStep(learningRate: 0.02))
  }

  @Test("they begin by changing nothing", arguments: models)
  func beginning(_ reference: FamilyReference) async throws {
    let groups = try groups(reference)
    let plain = try await reference.policy(training: false).logProbs(of: groups, temperature: 1)
    #expect(try await policy(reference).logProbs(of: groups, temperature: 1) == plain)
  }

  /// With W + s·B·A in place of W, dB = s·dW·Aᵀ and dA = s·Bᵀ·dW, whatever computed dW.
  @Test("their gradients are those of the weights, projected", arguments: models)
  func gradients(_ reference: FamilyReference) async throws {
    let (groups, adapted) = (try groups(reference), try policy(reference))
    for _ in 0..<2 { try await step(adapted, groups) }
    try await adapted.save(to: scratch.path + "/saved")
    let merged = try reference.policy(scratch.path + "/saved")
    for policy in [adapted, merged] {
      try await policy.accumulateWithEntropy(groups, temperature: 0.9) { _, figures in
        TokenFigures(
          logProbs: figures.logProbs.map { _ in -1 }, entropies: figures.entropies.map { _ in 0.3 })
      }
    }
    let (ours, whole) = (await adapted.gradients, await merged.gradients)
    let file = try SafetensorsFile(path: scratch.path + "/saved/adapter/adapter_model.safetensors")
    let names = ours.keys.filter { $0.hasSuffix(".lora_A.weight") }.sorted()
    #expect(names.count == 7 * (try ModelConfig(folder: reference.modelFolder).text.layerCount))
    for name in names {
      let base = String(name.dropLast(".lora_A.weight".count))
      let down = try #require(file.tensors.first { $0.name.hasSuffix(Self.inner(name)) })
      let up = try #require(file.tensors.first { $0.name.hasSuffix(Self.inner(base + ".lora_B.weight")) })
      let dw = try #require(whole[base + ".weight"])
      let (rank, columns, rows) = (down.shape[0], down.shape[1], up.shape[0])
      var (da, db) = ([Float](repeating: 0, count: rank * columns), [Float](repeating: 0, count: rows * rank))
      let (a, b) = (down.floats, up.floats)
      for row in 0..<rows {
        for column in 0..<columns {
          let value = 2 * dw[row * columns + column]
          for k in 0..<rank {
            da[k * columns + column] += b[row * rank + k] * value
            db[row * rank + k] += a[k * columns + column] * value
          }
        }
      }
      expectClose(try #require(ours[name]), da, "\(reference): \(name)")
      expectClose(try #require(ours[base + ".lora_B.weight"]), db, "\(reference): \(base) B")
    }
  }

  private static func inner(_ name: String) -> String { String(name.dropFirst("model.".count)) }

  private func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
    let norm = expected.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let difference = zip(found, expected).reduce(0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
    #expect(found.count == expected.count && difference <= 1e-3 * max(norm, 1e-4), "\(what): \(difference) of \(norm)")
  }

  @Test("what is saved is the merged model and adapters that go on", arguments: models)
  func saving(_ reference: FamilyReference) async throws {
    let (groups, first) = (try groups(reference), try policy(reference))
    try await step(first, groups)
    try await first.save(to: scratch.path + "/one")
    let after = try await first.logProbs(of: groups, temperature: 1)
    let merged = try await reference.policy(scratch.path + "/one", training: false).logProbs(of: groups, temperature: 1)
    for (found, expected) in zip(merged.joined().joined(), after.joined().joined()) {
      #expect(abs(found - expected) < 1e-4)
    }
    var going = Self.settings
    going.checkpoint = scratch.path + "/one"
    let second = try policy(reference, going, optimizer: .required)
    #expect(try await second.logProbs(of: groups, temperature: 1) == after)
    // The optimizer goes on too: the next step is that of a policy that never stopped.
    for policy in [first, second] { try await step(policy, groups) }
    #expect(
      try await second.logProbs(of: groups, temperature: 1) == first.logProbs(of: groups, temperature: 1))
    // Only the decoder's matrices have changed.
    let (old, new) = (
      try Checkpoint(folder: reference.modelFolder), try Checkpoint(folder: scratch.path + "/one")
    )
    for (one, two) in zip(old.tensors, new.tensors) {
      let isTarget = one.name.contains("_proj.weight") && !one.name.hasPrefix("visual.")
      #expect((one.floats != two.floats) == isTarget, "\(one.name)")
    }
  }

  @Test("the reference is the model without them, before and after a step")
  func reference() async throws {
    let reference = try #require(Self.models.first)
    let groups = try groups(reference)
    var options = BundledPolicyBackend.Options()
    options.model = SpecPath(reference.modelFolder)
    (options.lora.rank, options.lora.alpha) = (2, 4)
    let opened = try await BundledPolicyBackend(options: options, assembly: .plain())
      .open(PolicyOpening(purpose: .training))
    let source = try #require(opened.reference)
    let before = try await source.logProbs(of: groups, temperature: 1)
    let trainable = try #require(opened.trainable)
    try await trainable.accumulate(groups, temperature: 1) { _, logProbs in logProbs.map { _ in -1 } }
    _ = try await trainable.step(OptimizerStep(learningRate: 0.02))
    #expect(try await source.logProbs(of: groups, temperature: 1) == before)
    let now = try await #require(opened.logProbs).logProbs(of: groups, temperature: 1)
    #expect(now != before)
    #expect(try await reference.policy(training: false).logProbs(of: groups, temperature: 1) == before)
  }

  @Test("options that contradict each other or name no matrix")
  func options() throws {
    var options = BundledPolicyBackend.Options()
    options.model = SpecPath("m")
    (options.lora.rank, options.vision, options.optimizer) = (4, .projector, .continue)
    #expect(
      options.problems().map { "\($0.path) \($0.message)" } == [
        "vision is projector, but 'lora' trains adapters of the decoder alone; leave one out",
        "optimizer is continue, but 'lora' begins with new adapters, of which there is no state",
      ])
    var lora = AdapterOptions()
    (lora.rank, lora.alpha, lora.targets) = (-1, 0, ["qkv"])
    #expect(
      lora.problems().map { "\($0.path) \($0.message)" } == [
        "rank is -1, it must be in 0...1024", "alpha is 0.0, it must be more than 0",
        "targets has 'qkv', it may have q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj",
      ])
  }

  @Test("a checkpoint without adapters, and adapters of another rank, are refused")
  func mismatches() async throws {
    let reference = try #require(Self.models.first)
    var settings = Self.settings
    settings.checkpoint = scratch.path + "/saved"
    #expect(
      await message(without: scratch.path) { _ = try policy(reference, settings) }
        == "FOLDER/saved has no adapter/adapter_model.safetensors: it was not saved with 'lora'; open it with the options that "
        + "it was saved with")
    try await policy(reference).save(to: scratch.path + "/saved")
    settings.rank = 5
    #expect(
      await message(without: scratch.path) { _ = try policy(reference, settings) }
        .hasSuffix("; open it with the 'lora' that it was saved with"))
  }
}

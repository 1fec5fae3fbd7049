// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Tensor
import Testing

@Suite("Families against transformers", .timeLimit(.minutes(15)))
struct FamilyParityTests {
  @Test("there is a model of every family but that of the other fixtures")
  func families() throws {
    let found = Set(try FamilyReference.all.map { try ModelConfig(folder: $0.modelFolder).family })
    #expect(found.union([.qwen2_5VL]) == Set(ModelFamily.allCases))
  }

  @Test("tokens, pixel values and positions are the same", arguments: FamilyReference.all)
  func inputs(_ reference: FamilyReference) throws {
    let codec = try PromptCodec(folder: reference.modelFolder)
    let tokenizer = try codec.knownTokenizer()
    let vision = codec.config.vision
    for sample in try reference.cases() {
      let text = try #require(sample.facts["prompt"]?.stringValue)
      #expect(tokenizer.encode(text).map { Int32($0) } == sample.ids("prompt_ids_unexpanded"), "\(sample.name)")
      let patches = try sample.patches(ImageProcessor(codec.images))
      if let vision {
        let counts = patches.map { $0.grid.tokenCount(mergeSize: vision.spatialMergeSize) }
        let expanded = try codec.config.expandingImages(in: tokenizer.encode(text), tokenCounts: counts)
        #expect(expanded.map { Int32($0) } == sample.ids("prompt_ids"), "\(sample.name)")
      }
      let values = patches.flatMap(\.values)
      if let expected = sample.floats("pixel_values") { #expect(values == expected, "\(sample.name)") }
      let few = sample.facts["pixel_values"]
      let first = (few?["first_64"]?.arrayValue ?? []).compactMap(\.doubleValue).map { Float($0) }
      #expect(Array(values.prefix(first.count)) == first, "\(sample.name)")
      let every = (few?["every_997th"]?.arrayValue ?? []).compactMap(\.doubleValue).map { Float($0) }
      let found = stride(from: 0, to: values.count, by: 997).prefix(every.count).map { values[$0] }
      #expect(found == every, "\(sample.name)")
      try positions(sample, patches.map(\.grid), vision)
    }
  }

  private func positions(_ sample: FamilyCase, _ grids: [ImageGrid], _ vision: ModelConfig.Vision?) throws {
    let expected = (sample.facts["position_ids"]?.arrayValue ?? []).map {
      ($0.arrayValue ?? []).compactMap(\.intValue)
    }
    let found = PromptPositions(
      tokens: sample.ids("prompt_ids") + sample.ids("response_ids"), imageToken: vision.map { Int32($0.tokens.image) },
      grids: grids, mergeSize: vision?.spatialMergeSize ?? 1)
    if expected.count == 3 {
      #expect(found.positions.map { Int($0.time) } == expected[0])
      #expect(found.positions.map { Int($0.height) } == expected[1])
      #expect(found.positions.map { Int($0.width) } == expected[2])
    }
    let length = sample.ids("prompt_ids").count + sample.ids("response_ids").count
    if let delta = sample.facts["rope_delta"]?.intValue { #expect(Int(found.next) == length + delta) }
  }

  @Test("vision features, logits, log-probabilities and entropies to 1e-4", arguments: FamilyReference.all)
  func forward(_ reference: FamilyReference) throws {
    let model = try reference.model()
    let processor = ImageProcessor(try PromptCodec(folder: reference.modelFolder).images)
    for sample in try reference.cases() {
      let tape = model.tape(isRecording: true)
      let images = try sample.patches(processor)
      if let expected = sample.floats("vision_features") {
        let features = try #require(model.visionFeatures(of: images, on: tape))
        expectWithin(
          1e-4, largestDifference(features.embeddings.value.elements, expected), "\(reference): vision features")
        for (index, feature) in features.deepstack.enumerated() {
          let expected = try #require(sample.floats("deepstack_features.\(index)"))
          expectWithin(1e-4, largestDifference(feature.value.elements, expected), "\(reference): deepstack features")
        }
      }
      let group = PromptGroup(
        prompt: sample.ids("prompt_ids"), images: images, responses: [sample.ids("response_ids")])
      let batch = try PackedBatch([group], config: model.config)
      let hidden = tape.rows(of: model.hiddenStates(of: batch, on: tape), at: batch.predictingRows)
      if let expected = sample.floats("logits_at_response") {
        expectWithin(1e-4, largestDifference(model.logits(hidden, on: tape).elements, expected), "\(reference): logits")
      }
      let found = model.logProbsAndEntropies(of: batch, temperature: 1, on: tape)
      tape.forget()
      expectWithin(
        1e-4, largestDifference(found.logProbs.value.elements, sample.numbers("response_log_probs").map { Float($0) }),
        "\(reference): log-probabilities")
      expectWithin(
        1e-4,
        largestDifference(found.entropies.value.elements, sample.numbers("entropy_at_response").map { Float($0) }),
        "\(reference): entropies")
    }
  }

  @Test("gradients of the mean loss of a response, relative to 1e-3", arguments: FamilyReference.all)
  func gradients(_ reference: FamilyReference) async throws {
    let policy = try reference.policy()
    for sample in try reference.cases() {
      let count = sample.ids("response_ids").count
      let group = ResponseGroup(prompt: sample.prompt, responses: [sample.ids("response_ids")])
      try await policy.accumulate([group], temperature: 1) { _, logProbs in
        [Float](repeating: -1 / Float(count), count: logProbs.count)
      }
      let found = await policy.gradients
      let norms = try #require(sample.facts["grad_norms"])
      for (name, gradient) in found.sorted(by: { $0.key < $1.key }) {
        let names = [name, TensorDeclaration(name, []).newerName]
        // What a prompt does not reach has no gradient there, and none here.
        let norm = names.compactMap { norms[$0]?.doubleValue }.first ?? 0
        let size = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        expectWithin(
          1e-3, Float(abs(size - norm) / max(norm, 1e-3)), "\(reference): gradient norms, relative", name)
        guard let expected = names.lazy.compactMap({ sample.floats("grad." + $0) }).first else { continue }
        let difference = zip(gradient, expected).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
        expectWithin(1e-3, Float(difference / max(norm, 1e-4)), "\(reference): gradients, relative", name)
      }
      // Gradients are sums; what there is goes with a step that changes nothing.
      _ = try await policy.step(OptimizerStep(learningRate: 0))
    }
  }

  @Test("greedy tokens are the same", arguments: FamilyReference.all)
  func greedy(_ reference: FamilyReference) async throws {
    let scratch = try Scratch()
    let policy = try reference.policy(reference.endless(scratch), training: false)
    for sample in try reference.cases() {
      var sampling = SamplingOptions()
      (sampling.temperature, sampling.maxTokens) = (0, sample.ids("greedy_8").count)
      let found = try await policy.generate(
        [GenerationRequest(prompt: sample.prompt, seeds: [1, 2])], sampling: sampling
      ) { _ in }
      #expect(found[0].map(\.tokens) == [sample.ids("greedy_8"), sample.ids("greedy_8")], "\(sample.name)")
    }
  }

  @Test("the form of transformers 4 is the same model", arguments: FamilyReference.all)
  func olderForm(_ reference: FamilyReference) async throws {
    let older = reference.folder + "/model_4x"
    guard FileManager.default.fileExists(atPath: older) else { return }
    let scratch = try Scratch()
    let copy = scratch.path + "/model"
    try FileManager.default.copyItem(atPath: reference.modelFolder, toPath: copy)
    _ = try? FileManager.default.removeItem(atPath: copy + "/processor_config.json")
    for name in try FileManager.default.contentsOfDirectory(atPath: older) {
      try scratch.copy(older + "/" + name, to: "model/" + name)
    }
    let (one, two) = (try reference.policy(), try reference.policy(copy))
    for sample in try reference.cases() {
      let group = ResponseGroup(prompt: sample.prompt, responses: [sample.ids("response_ids")])
      let found = try await two.logProbs(of: [group], temperature: 1)
      #expect(try await one.logProbs(of: [group], temperature: 1) == found, "\(sample.name)")
    }
  }

  @Test("a step moves every weight, and what is saved gives the same numbers again", arguments: FamilyReference.all)
  func saved(_ reference: FamilyReference) async throws {
    let scratch = try Scratch()
    let policy = try reference.policy()
    let samples = try reference.cases()
    let groups = samples.map { ResponseGroup(prompt: $0.prompt, responses: [$0.ids("response_ids")]) }
    let before = try await policy.logProbs(of: groups, temperature: 1)
    try await policy.accumulate(groups, temperature: 1) { _, logProbs in logProbs.map { _ in -1 } }
    _ = try await policy.step(OptimizerStep(learningRate: 1e-3))
    let after = try await policy.logProbs(of: groups, temperature: 1)
    #expect(zip(before.joined().joined(), after.joined().joined()).contains { $0 != $1 })
    try await policy.save(to: scratch.path + "/saved")
    #expect(try await reference.policy(scratch.path + "/saved").logProbs(of: groups, temperature: 1) == after)
    let (old, new) = (try Checkpoint(folder: reference.modelFolder), try Checkpoint(folder: scratch.path + "/saved"))
    for (one, two) in zip(old.tensors, new.tensors) { #expect(one.floats != two.floats, "\(one.name)") }
  }
}

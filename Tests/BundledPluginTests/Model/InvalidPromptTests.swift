// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Prompts, responses and weights that cannot be used", .timeLimit(.minutes(15)))
struct InvalidPromptTests {
  private let reference: ReferenceModel
  private let policy: BundledPolicy

  init() throws {
    reference = try .named("interleaved")
    policy = try reference.policy()
  }

  /// What generation, log-probabilities and training say of a prompt and a response: all the same.
  private func complaint(
    _ prompt: EncodedPrompt, response: [Int32] = [5], source: Testing.SourceLocation = #_sourceLocation
  ) async -> String {
    let group = ResponseGroup(prompt: prompt, responses: [response])
    let found = await message(source: source) { _ = try await policy.logProbs(of: [group], temperature: 1) }
    let trained = await message(source: source) {
      try await policy.accumulate([group], temperature: 1) { _, logProbs in logProbs }
    }
    #expect(found == trained, sourceLocation: source)
    if response == [5] {
      let request = GenerationRequest(prompt: prompt, seeds: [1])
      let generated = await message(source: source) {
        _ = try await policy.generate([request], sampling: SamplingOptions()) { _ in }
      }
      #expect(found == generated, sourceLocation: source)
    }
    return found
  }

  /// A prompt of ids and images of the fixture: img0 takes 15 tokens, img1 four.
  private func prompt(_ tokens: [Int32], _ images: [String] = []) -> EncodedPrompt {
    EncodedPrompt(tokens: tokens, images: images.map { ImageReference($0) }, folder: reference.folder)
  }

  private func placeholders(_ count: Int) -> [Int32] { [Int32](repeating: 96, count: count) }

  @Test("an empty prompt")
  func emptyPrompt() async {
    #expect(await complaint(prompt([])) == "the prompt has no tokens; a policy needs at least one to go on from")
  }

  @Test("an empty response has no log-probabilities")
  func emptyResponse() async throws {
    let group = ResponseGroup(prompt: prompt([5, 6]), responses: [[], [7], []])
    let none = ResponseGroup(prompt: prompt([5]), responses: [])
    let found = try await policy.logProbs(of: [group, none], temperature: 1)
    #expect(found.map { $0.map(\.count) } == [[0, 1, 0], []])
    try await policy.accumulate([ResponseGroup(prompt: prompt([5]), responses: [[]])], temperature: 1) { _, _ in [] }
    #expect(await policy.gradients.values.allSatisfy { $0.allSatisfy { $0 == 0 } })
  }

  @Test("ids outside the vocabulary", arguments: [-1, 101, Int32.max])
  func ids(_ id: Int32) async {
    #expect(
      await complaint(prompt([5, id])) == "the prompt holds the token id \(id), but the vocabulary ends at 100")
    #expect(
      await complaint(prompt([5]), response: [6, id])
        == "the response holds the token id \(id), but the vocabulary ends at 100")
  }

  @Test("a stop token outside the vocabulary", arguments: [-1, 101, 1 << 40])
  func stopToken(_ id: Int) async {
    var sampling = SamplingOptions()
    sampling.stopTokens = [3, id]
    let request = GenerationRequest(prompt: prompt([5]), seeds: [1])
    let found = await message { _ = try await policy.generate([request], sampling: sampling) { _ in } }
    #expect(found == "'stop_tokens' holds the id \(id), but the vocabulary ends at 100")
  }

  @Test("video in a prompt; in a response a placeholder is a token like any other")
  func video() async throws {
    let group = ResponseGroup(prompt: prompt([5]), responses: [[97, 96, 6]])
    #expect(try await policy.logProbs(of: [group], temperature: 1)[0][0].count == 3)
    #expect(
      await complaint(prompt([5, 97])) == "the prompt holds a video placeholder; video is not supported")
  }

  @Test("images and placeholders that do not match in number")
  func placeholderCount() async {
    let remedy = "; expand each placeholder to the number of tokens of its image"
    #expect(
      await complaint(prompt([5] + placeholders(4)))
        == "the prompt holds 4 image placeholders, but its 0 images take 0 tokens" + remedy)
    #expect(
      await complaint(prompt([5], ["img1.png"]))
        == "the prompt holds 0 image placeholders, but its 1 images take 4 tokens" + remedy)
    #expect(
      await complaint(prompt([5] + placeholders(18), ["img1.png", "img0.png"]))
        == "the prompt holds 18 image placeholders, but its 2 images take 19 tokens" + remedy)
  }

  @Test("placeholders in the wrong places")
  func placeholderRuns() async {
    let remedy = "; expand each placeholder to the number of tokens of its own image, in the order of the images"
    #expect(
      await complaint(prompt([5] + placeholders(4) + [6] + placeholders(15), ["img0.png", "img1.png"]))
        == "the placeholders of image 1 of the prompt end 11 too early" + remedy)
    #expect(
      await complaint(prompt([5] + placeholders(2) + [6] + placeholders(2), ["img1.png"]))
        == "the placeholders of image 1 of the prompt end 2 too early" + remedy)
  }

  @Test("an image that is not there")
  func missingImage() async {
    let found = await complaint(prompt([5] + placeholders(4), ["none.png"]))
    #expect(found.hasSuffix(": no such image file; check the path and the folder that it is relative to"))
  }

  @Test("a prompt beyond the context")
  func context() async {
    let long = [Int32](repeating: 7, count: 256)
    let request = GenerationRequest(prompt: prompt(long), seeds: [1])
    let found = await message { _ = try await policy.generate([request], sampling: SamplingOptions()) { _ in } }
    let reason =
      "the prompt has 256 tokens, which leaves no room for a response in the model's context of 256; shorten it"
    #expect(found == reason)
    let shown = GenerationRequest(prompt: prompt(long, ["image0.png"]), seeds: [1])
    #expect(
      await message { _ = try await policy.generate([shown], sampling: SamplingOptions()) { _ in } }
        == reason + ", or lower 'max_pixels' of the policy (policy.with.max_pixels, --max-pixels)")
    #expect(
      await complaint(prompt(long), response: [6, 7])
        == "the prompt has 256 tokens and its longest response 2, together more than the model's context of 256; leave "
        + "the record out, or shorten it")
  }

  @Test("a temperature that is none", arguments: [-1, Double.nan, .infinity])
  func temperature(_ value: Double) async {
    let group = ResponseGroup(prompt: prompt([5]), responses: [[6]])
    let found = await message { _ = try await policy.logProbs(of: [group], temperature: value) }
    #expect(found == "'temperature' is \(value), it must be 0 or more")
    var sampling = SamplingOptions()
    sampling.temperature = value
    let request = GenerationRequest(prompt: prompt([5]), seeds: [1])
    #expect(await message { _ = try await policy.generate([request], sampling: sampling) { _ in } } == found)
  }

  @Test("a loss that gives too few gradients")
  func gradientCount() async {
    let group = ResponseGroup(prompt: prompt([5]), responses: [[6, 7]])
    let found = await message { try await policy.accumulate([group], temperature: 1) { _, _ in [1] } }
    #expect(found == "the loss gave 1 gradients for a response of 2 tokens; it must give one for each")
  }

  @Test("messages, without a tokenizer")
  func tokenizer() async {
    let found = await message(without: reference.modelFolder) {
      _ = try await policy.encode(PolicyPrompt("What is x?"))
    }
    #expect(
      found
        == "FOLDER has no tokenizer; add tokenizer.json, or vocab.json and merges.txt, or give records 'prompt_tokens' "
        + "and 'tokens'")
  }

  @Test("tokens pass as they are")
  func tokens() async throws {
    let wanted = prompt([5] + placeholders(4) + [6], ["img1.png"])
    let given = PolicyPrompt(.tokens(wanted.tokens, images: wanted.images), folder: wanted.folder)
    #expect(try await policy.encode(given) == wanted)
  }

  @Test("training, or a save, of a policy that was opened for inference")
  func inference() async throws {
    let scratch = try Scratch()
    let policy = try reference.policy(.inference)
    let group = ResponseGroup(prompt: prompt([5]), responses: [[6]])
    #expect(
      await message { try await policy.accumulate([group], temperature: 1) { _, logProbs in logProbs } }
        == "the policy was opened for inference; open it for training")
    #expect(
      await message(without: reference.modelFolder) { try await policy.save(to: scratch.path + "/a") }
        == "the policy was opened for inference, it has nothing new to save; copy FOLDER")
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/a"))
  }

  @Test(
    "weights that hold NaN or infinity", arguments: ["interleaved", "bfloat16"],
    [WeightUse.inference, .training(vision: .frozen)])
  func weights(_ name: String, _ use: WeightUse) async throws {
    let scratch = try Scratch()
    let source = try Checkpoint(folder: ReferenceModel.named(name).modelFolder)
    for (index, tensor) in ["model.layers.1.mlp.up_proj.weight", "visual.merger.ln_q.weight"].enumerated() {
      let folder = "\(scratch.path)/\(index)"
      let writer = try CheckpointWriter(folder: folder, source: source, precision: .source)
      for stored in source.tensors {
        var numbers = stored.floats
        if stored.name == tensor { numbers[numbers.count / 2] = index == 0 ? .nan : -.infinity }
        try numbers.withUnsafeBufferPointer { try writer.write(stored.name, floats: $0) }
      }
      try writer.finish()
      var options = BundledPolicy.Options()
      options.use = use
      let opened = options
      #expect(
        await message { _ = try BundledPolicy(folder: folder, options: opened) }
          == "the weights '\(tensor)' hold NaN or infinity; the checkpoint is damaged, take another")
    }
  }

  @Test("weights that a step made too large")
  func explosion() async throws {
    let policy = try reference.policy()
    let group = ResponseGroup(prompt: prompt([5, 6, 7]), responses: [[6, 7, 8]])
    try await policy.accumulate([group], temperature: 1) { _, logProbs in logProbs.map { _ in 1 } }
    _ = try await policy.step(OptimizerStep(learningRate: 1e30))
    let remedy = "go back to an earlier checkpoint, and lower the learning rate"
    #expect(
      await message { _ = try await policy.logProbs(of: [group], temperature: 1) }
        == "the model's log-probabilities are not finite; " + remedy)
    let request = GenerationRequest(prompt: group.prompt, seeds: [1])
    #expect(
      await message { _ = try await policy.generate([request], sampling: SamplingOptions()) { _ in } }
        == "the model's logits are not finite; " + remedy)
  }
}

// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// A random model with the tokenizer of the fixtures.
private struct TextModel {
  let scratch: Scratch
  let policy: BundledPolicy
  let tokenizer: ByteLevelTokenizer

  init() throws {
    scratch = try Scratch()
    let document = TinyModel.document(
      .nested, text: [("vocab_size", 720), ("eos_token_id", 687)],
      root: [
        ("image_token_id", 697), ("video_token_id", 698), ("vision_start_token_id", 694), ("vision_end_token_id", 695),
      ])
    try scratch.write("model/config.json", document.prettyJSON)
    let config = try ModelConfig(document: document, path: "config.json")
    var draw = PhiloxGenerator(seed: 4, purpose: "text-model")
    let tensors = config.expectedTensors.map { tensor in
      let numbers = (0..<tensor.count).map { _ in Float.random(in: -0.7...0.7, using: &draw) }
      return TinyModel.Stored(
        name: tensor.name, type: "F32", shape: tensor.shape, bytes: numbers.withUnsafeBytes { Array($0) })
    }
    try scratch.write("model/model.safetensors", TinyModel.safetensors(tensors))
    try scratch.write(
      "model/preprocessor_config.json",
      #"{"patch_size": 2, "merge_size": 2, "temporal_patch_size": 2, "min_pixels": 16, "max_pixels": 400}"#)
    try scratch.copy(Fixture.path("tokenizer/tokenizer.json"), to: "model/tokenizer.json")
    policy = try BundledPolicy(folder: scratch.path + "/model")
    tokenizer = try ByteLevelTokenizer(folder: scratch.path + "/model")
  }
}

@Suite("Generation with a tokenizer", .timeLimit(.minutes(15)))
struct TextGenerationTests {
  private let model: TextModel
  private var policy: BundledPolicy { model.policy }

  init() throws { model = try TextModel() }

  private func generate(
    _ prompt: EncodedPrompt, stop: [String] = [], seeds: [UInt64] = [1, 2, 3, 4]
  ) async throws -> [GeneratedResponse] {
    var sampling = SamplingOptions()
    (sampling.maxTokens, sampling.stop) = (40, stop)
    return try await policy.generate([GenerationRequest(prompt: prompt, seeds: seeds)], sampling: sampling) { _ in }[0]
  }

  @Test("messages with an image become tokens with as many placeholders as the image takes")
  func encode() async throws {
    let folder = ImageFixtures.folder.appending(path: "images").path
    let messages: JSONValue = [
      [
        "role": "user",
        "content": [["type": "image", "image": "rgb-8.png"], ["type": "text", "text": "What is x?"]],
      ]
    ]
    let prompt = try await policy.encode(PolicyPrompt(messages, folder: folder))
    // 13 × 11 pixels become 12 × 12: nine tokens of 4 × 4.
    #expect(prompt.tokens.count { $0 == 697 } == 9)
    #expect(prompt.images == ["rgb-8.png"])
    let found = try await generate(prompt)
    #expect(found.allSatisfy { !$0.tokens.isEmpty && $0.logProbs.allSatisfy(\.isFinite) })
    let groups = [ResponseGroup(prompt: prompt, responses: found.map(\.tokens))]
    let again = try await policy.logProbs(of: groups, temperature: 1)
    let bound = try await ReferenceModel(folder: model.scratch.path).logProbBound(groups, temperature: 1)
    for (one, two) in zip(found, again[0]) { #expect(largestDifference(one.logProbs, two) < bound) }
  }

  @Test("a stop text ends a response with the token that completes it, however tokens cut it")
  func stopText() async throws {
    let prompt = try await policy.encode(PolicyPrompt("What is x?"))
    let free = try await generate(prompt)
    var checked = 0
    for (index, response) in free.enumerated() {
      let tokens = response.tokens.map(Int.init)
      for start in 3..<max(3, min(12, tokens.count - 2)) {
        // The end of one token and the start of the next.
        let text = model.tokenizer.decode(Array(tokens[start...start + 1]), specialTokens: .skip)
        let first = model.tokenizer.decode([tokens[start]], specialTokens: .skip)
        guard !text.contains("\u{FFFD}"), text.utf8.count > 2, first.utf8.count < text.utf8.count else { continue }
        let stop = String(text.dropFirst(max(0, first.count - 1)).prefix(2))
        let end = try #require(
          tokens.indices.first {
            model.tokenizer.decode(Array(tokens[...$0]), specialTokens: .skip).utf8.holds(Array(stop.utf8))
          })
        let found = try await generate(prompt, stop: ["no such text", stop], seeds: [UInt64(index + 1)])[0]
        #expect(found.tokens == Array(response.tokens[...end]))
        #expect(found.finish == .stop)
        checked += 1
      }
    }
    #expect(checked > 5)
  }

  @Test("a stop text needs a tokenizer")
  func withoutTokenizer() async throws {
    let reference = try ReferenceModel.named("odd")
    let policy = try reference.policy()
    var sampling = SamplingOptions()
    sampling.stop = ["x"]
    let options = sampling
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [5]), seeds: [1])
    let found = await message(without: reference.modelFolder) {
      _ = try await policy.generate([request], sampling: options) { _ in }
    }
    #expect(found.hasPrefix("FOLDER has no tokenizer; "))
  }
}

extension Collection where Element == UInt8 {
  /// Whether bytes occur in these.
  fileprivate func holds(_ bytes: [UInt8]) -> Bool { Array(self).firstRange(of: bytes) != nil }
}

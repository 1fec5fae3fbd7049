// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Chat prompts", .timeLimit(.minutes(15)))
struct ChatTests {
  @Test("each placeholder is repeated once for each token of its image")
  func expansion() throws {
    let config = try tinyConfig()
    #expect(
      try config.expandingImages(in: [1, 500, 2, 500, 3], tokenCounts: [2, 3]) == [1, 500, 500, 2, 500, 500, 500, 3])
    #expect(try config.expandingImages(in: [1, 2], tokenCounts: []) == [1, 2])
  }

  @Test(
    "placeholders and images that do not belong together are refused",
    arguments: [
      (
        [1, 500], [],
        "the prompt has 1 image placeholders (id 500), but there are 0 images; each image needs one part in"
          + " the prompt"
      ),
      (
        [1], [4],
        "the prompt has 0 image placeholders (id 500), but there are 1 images; each image needs one part in the"
          + " prompt"
      ),
      ([501], [], "the prompt has a video placeholder (id 501); video is not supported"),
      ([500], [0], "image 0 has 0 tokens, it must have at least one"),
    ] as [([Int], [Int], String)])
  func mismatches(prompt: [Int], counts: [Int], expected: String) throws {
    let config = try tinyConfig()
    let error = #expect(throws: PipelineError.self) { try config.expandingImages(in: prompt, tokenCounts: counts) }
    #expect(error?.description == expected)
  }

  @Test(
    "an expanded prompt must have as many placeholders as its images have tokens",
    arguments: [
      ([1, 500, 500], [3], "the prompt has 2 image tokens (id 500), but its 1 images have 3"),
      ([1, 512], [], "token 1 of the prompt is 512, it must be in 0..<512"),
      ([-1], [], "token 0 of the prompt is -1, it must be in 0..<512"),
      ([501], [], "the prompt has a video placeholder (id 501); video is not supported"),
    ] as [([Int], [Int], String)])
  func expandedPrompts(prompt: [Int], counts: [Int], expected: String) throws {
    let config = try tinyConfig()
    try config.checkExpanded([1, 500, 500, 2, 500], tokenCounts: [2, 1])
    let error = #expect(throws: PipelineError.self) { try config.checkExpanded(prompt, tokenCounts: counts) }
    #expect(error?.description == expected)
  }

  @Test("a tokenizer and a model that do not belong together are refused")
  func checks() throws {
    let tokenizer = try ByteLevelTokenizer(folder: Fixture.path("tokenizer"))
    var config = try tinyConfig()
    var error = #expect(throws: PipelineError.self) { try tokenizer.check(against: config) }
    #expect(
      error?.description == "the tokenizer has ids up to \(tokenizer.count - 1), the model only 512 rows (vocab_size);"
        + " they do not belong together")
    config.text.vocabularySize = 800
    error = #expect(throws: PipelineError.self) { try tokenizer.check(against: config) }
    let pad = try #require(tokenizer.id(of: "<|image_pad|>"))
    #expect(
      error?.description
        == "<|image_pad|> has the id \(pad) in the tokenizer, but config.json says image_token_id is 500")
    config.vision?.tokens.image = pad
    config.vision?.tokens.start = try #require(tokenizer.id(of: "<|vision_start|>"))
    config.vision?.tokens.end = try #require(tokenizer.id(of: "<|vision_end|>"))
    try tokenizer.check(against: config)
  }

  private func tinyConfig() throws -> ModelConfig {
    try ModelConfig(document: TinyModel.document(.nested), path: "config.json")
  }
}

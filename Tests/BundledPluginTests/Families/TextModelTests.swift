// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Text models", .timeLimit(.minutes(15)))
struct TextModelTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func folder(_ name: String) throws -> String {
    let copy = scratch.path + "/" + name
    try FileManager.default.copyItem(atPath: Fixture.path("families/\(name)/model"), toPath: copy)
    return copy
  }

  private func policy(_ name: String, _ change: (inout BundledPolicy.Options) -> Void = { _ in }) throws
    -> BundledPolicy
  {
    var options = BundledPolicy.Options()
    change(&options)
    return try BundledPolicy(folder: folder(name), options: options)
  }

  private func messages(_ value: JSONValue) throws -> PolicyPrompt {
    try PolicyPrompt(value, folder: scratch.path)
  }

  @Test("an image is refused by name, in messages and beside tokens")
  func images() async throws {
    let policy = try policy("llama")
    let expected =
      "the prompt has 1 image, but the model, Llama, has no vision tower; take the images out, or train a model that sees "
      + "them: Qwen2-VL, Qwen2.5-VL, Qwen3-VL"
    let picture = try messages([["role": "user", "content": [["type": "image", "image": "gone.png"]]]])
    #expect(await message { _ = try await policy.encode(picture) } == expected)
    let tokens = PolicyPrompt(.tokens([3, 4], images: [ImageReference("gone.png")]), folder: scratch.path)
    #expect(await message { _ = try await policy.encode(tokens) } == expected)
  }

  @Test("options for images are refused", arguments: [VisionUse.projector, .trained])
  func options(vision: VisionUse) async throws {
    #expect(
      await message(without: scratch.path) {
        _ = try policy("qwen3") { $0.pixels = PixelLimits(maxPixels: .pixels(99)) }
      }
        == "'min_pixels' and 'max_pixels' are for images, but FOLDER/qwen3 is a text model (Qwen3); leave them out")
    #expect(
      await message(without: scratch.path) { _ = try policy("qwen2") { $0.use = .training(vision: vision) } }
        == "'vision' is '\(vision.rawValue)', but FOLDER/qwen2 is a text model (Qwen2) without a vision tower; leave the "
        + "option out")
  }

  @Test("messages need a template of the model's own")
  func templates() async throws {
    let folder = try folder("llama")
    let prompt = try messages([["role": "user", "content": "Hi"]])
    let without = try BundledPolicy(folder: folder)
    #expect(
      await message(without: scratch.path) { _ = try await without.encode(prompt) }
        == "FOLDER/llama has no chat template, so that messages cannot become a prompt; add the chat_template.jinja of the "
        + "model it was made from, or give records 'prompt_tokens'")
    try scratch.write("llama/chat_template.jinja", "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}\n")
    let with = try BundledPolicy(folder: folder)
    let encoded = try await with.encode(prompt)
    #expect(try with.decode(encoded.tokens) == "user: Hi")
  }

  @Test("bytes without a token are left out, as the tokenizers package does")
  func missingBytes() throws {
    let tokenizer = try ByteLevelTokenizer(folder: Fixture.path("families/llama/model"))
    #expect(tokenizer.missingBytes == 5)
    #expect(tokenizer.decode(tokenizer.encode("a\u{4}b")) == "ab")
    #expect(tokenizer.divisionDescription == "byte-level BPE, divided as by GPT-2, digits apart")
  }
}

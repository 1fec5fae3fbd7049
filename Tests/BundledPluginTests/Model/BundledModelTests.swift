// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("The bundled model", .timeLimit(.minutes(15)))
struct BundledModelTests {
  private static let folder =
    URL(fileURLWithPath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
    .dropFirst() + "/Examples/easy-vqa/model"

  /// A red circle on a light ground, 64 x 64 pixels.
  private static let picture =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAhklEQVR42u3YsQ2AMAxFwb//tBRUNNBD"
    + "SWIUc5IHeFfFTrb9WHoCAAAAAAAAAAAAAAAAAPA94Exuswbg2V0pSUH9VENq6ucZUlY/yZDK+hmGFNcPNwAsB3hfP9YAAADwN4B3"
    + "AMAy12Kd7nDQdDgpOxz1Hb5V/MwBAAAAAAAAAAAAAAAALDkXhl2cNyPC1fQAAAAASUVORK5CYII="

  private func policy() throws -> BundledPolicy {
    var options = BundledPolicy.Options()
    options.use = .inference
    return try BundledPolicy(folder: String(Self.folder), options: options)
  }

  @Test("it is Qwen2.5-VL with one to two million parameters")
  func facts() async throws {
    let facts = try await policy().facts
    #expect(facts.architecture == "Qwen2_5_VLForConditionalGeneration")
    #expect((1_000_000...2_000_000).contains(facts.parameterCount))
  }

  @Test("its tokenizer writes any text", arguments: ["a quartz glyph, vexed", "三角形 → \u{1F642}", "\u{0}\t\r\n~ é", ""])
  func anyText(_ text: String) async throws {
    let policy = try policy()
    #expect(try policy.decode(await policy.encode(response: text, finish: .length)) == text)
  }

  @Test(
    "what it was taught to say is short",
    arguments: [
      ("<think>shape circle, color red; want no blue</think> \\boxed{yes}", 16),
      ("<think>shape rectangle, color teal; want shape</think> \\boxed{rectangle}", 15),
      ("<think>brown rectangle, red triangle; circle 0</think> \\boxed{0}", 17),
    ])
  func lengths(_ text: String, _ count: Int) async throws {
    #expect(try await policy().encode(response: text, finish: .stop).count == count)
  }

  @Test("it answers in the form it was taught")
  func form() async throws {
    let policy = try policy()
    let messages: JSONValue = [
      [
        "role": "user",
        "content": [
          ["type": "image", "image": .string(Self.picture)], ["type": "text", "text": "what color is the shape?"],
        ],
      ]
    ]
    let prompt = try await policy.encode(PolicyPrompt(messages))
    var sampling = SamplingOptions()
    (sampling.temperature, sampling.maxTokens) = (0, 32)
    let found = try await policy.generate([GenerationRequest(prompt: prompt, seeds: [1])], sampling: sampling) { _ in }
    let text = try policy.decode(found[0][0].tokens)
    #expect(found[0][0].finish == .stop)
    #expect(
      text.wholeMatch(of: /<think>shape [a-z]+, color [a-z]+; want [a-z ]+<\/think> \\boxed\{[a-z]+\}/) != nil,
      "\(text)")
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("What is put around a prompt", .timeLimit(.minutes(15)))
struct PromptShapeTests {
  /// Reads prompts in a shape; what was bad comes as its reason.
  private func read(
    _ lines: String, system: String? = nil, format: String? = nil
  ) async throws -> (prompts: [JSONValue?], bad: [String]) {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("shape-\(UUID()).jsonl")
    try Data(lines.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    var options = TrajectoryReader.Options(paths: [file.path])
    options.kind = .prompts
    options.shape = try PromptShape(system: system, format: format, key: "format_prompt")
    let bad = Reasons()
    let reader = TrajectoryReader(options) { bad.add($0.reason) }
    var prompts: [JSONValue?] = []
    while let batch = try await reader.next() { prompts += try batch.trajectories.map { try $0.value(of: .prompt) } }
    return (prompts, bad.reasons)
  }

  private final class Reasons: @unchecked Sendable {
    private(set) var reasons: [String] = []
    func add(_ reason: String) { reasons.append(reason) }
  }

  @Test("a question in words gets its template, and becomes messages with a system message")
  func words() async throws {
    let lines = #"{"id":"a","prompt":"What is 2+2?"}"# + "\n"
    #expect(try await read(lines, format: "{{ content }} Think.").prompts == ["What is 2+2? Think."])
    #expect(
      try await read(lines, system: "Be brief.", format: "Q: {{ content }}").prompts == [
        [["role": "system", "content": "Be brief."], ["role": "user", "content": "Q: What is 2+2?"]]
      ])
  }

  @Test("the last user message gets the template, and a system message of the record's own stays")
  func messages() async throws {
    let lines =
      #"{"id":"a","prompt":[{"role":"system","content":"S"},{"role":"user","content":"1"},{"role":"assistant","content":"2"},{"role":"user","content":"3"}]}"#
      + "\n" + #"{"id":"b","prompt":[{"role":"user","content":"4"}]}"# + "\n"
    let found = try await read(lines, system: "T", format: "<{{ content }}>")
    #expect(
      found.prompts == [
        [
          ["role": "system", "content": "S"], ["role": "user", "content": "1"], ["role": "assistant", "content": "2"],
          ["role": "user", "content": "<3>"],
        ],
        [["role": "system", "content": "T"], ["role": "user", "content": "<4>"]],
      ])
  }

  @Test("images stay where they are in the question, each once")
  func images() async throws {
    let lines =
      #"{"id":"a","prompt":[{"role":"user","content":[{"type":"image","image":"x.png"},{"type":"text","text":"and"},{"type":"image","image":"y.png","max_pixels":784},{"type":"text","text":"?"}]}]}"#
      + "\n"
    let found = try await read(lines, format: "Look: {{ content }} Answer.")
    #expect(
      found.prompts == [
        [
          [
            "role": "user",
            "content": [
              ["type": "text", "text": "Look: "], ["type": "image", "image": "x.png"],
              ["type": "text", "text": "and"], ["type": "image", "image": "y.png", "max_pixels": 784],
              ["type": "text", "text": "? Answer."],
            ],
          ]
        ]
      ])
    let twice = try await read(lines, format: "{{ content }} Again: {{ content }}")
    #expect(twice.prompts == [])
    #expect(twice.bad == ["the format prompt makes 4 image places of 2; write {{ content }} once"])
  }

  @Test("a text that speaks of the mark itself keeps its words")
  func markInText() async throws {
    let lines =
      #"{"id":"a","prompt":[{"role":"user","content":[{"type":"image","image":"x.png"},{"type":"text","text":"What does <image> mean?"}]}]}"#
      + "\n"
    let found = try await read(lines, format: "{{ content }}!")
    #expect(
      found.prompts.first??.json
        == #"[{"role":"user","content":[{"type":"image","image":"x.png"},{"type":"text","text":"What does <image> mean?!"}]}]"#
    )
  }

  @Test("tokens cannot be put into shape, and a template without the question is none")
  func refused() async throws {
    let found = try await read(#"{"id":"a","prompt":"x","prompt_tokens":[1,2]}"# + "\n", system: "S")
    #expect(found.prompts == [])
    #expect(found.bad.count == 1 && found.bad[0].contains("'prompt_tokens'"), "\(found.bad)")
    #expect(throws: PipelineError.self) {
      _ = try PromptShape(system: nil, format: "Think step by step.", key: "source.format_prompt")
    }
    #expect(try PromptShape(system: nil, format: nil, key: "") == nil)
  }
}

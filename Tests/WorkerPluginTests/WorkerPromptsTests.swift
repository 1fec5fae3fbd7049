// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore
import PipelineTesting
import Testing
import WorkerPlugin

@Suite("Prompts of a family that only the worker knows", .timeLimit(.minutes(15)))
struct WorkerPromptsTests {
  private static let images = ScriptedWorker.root.appendingPathComponent("Tests/BundledPluginTests/Fixtures/images")
    .path

  private func open(_ change: (inout WorkerPolicyBackend.Options) -> Void = { _ in }) async throws -> WorkerPolicy {
    let folder = try ScriptedWorker.unknownFamily()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await ScriptedWorker.open {
      $0.model = SpecPath(folder)
      change(&$0)
    }
  }

  private func prompt(_ parts: JSONValue) throws -> PolicyPrompt {
    try PolicyPrompt([["role": "user", "content": parts]], folder: Self.images)
  }

  private let picture: JSONValue = ["type": "image", "image": "grey-8.png"]

  @Test("its facts and its tokens are the worker's, text and images in order")
  func tokens() async throws {
    let worker = try await open()
    let facts = await worker.facts
    #expect(facts.vocabularySize == 499)
    #expect(facts.contextLength == 256)
    #expect(facts.markTokens == [0, 9])
    let words: JSONValue = ["type": "text", "text": "ab"]
    let encoded = try await worker.encode(prompt([words, picture, ["type": "text", "text": "c"]]))
    #expect(encoded.tokens == [97, 98, 9, 9, 9, 99])
    #expect(encoded.images == ["grey-8.png"])
    // A record in tokens gives the same prompt.
    let again = try await worker.encode(
      PolicyPrompt(.tokens(encoded.tokens, images: encoded.images), folder: Self.images))
    #expect(again == encoded)
    #expect(try await worker.encode(response: "ok", finish: .stop) == [111, 107, 0])
    #expect(try await worker.encode(response: "ok", finish: .length) == [111, 107])
    #expect(try await worker.decode([111, 107]) == "ok")
    // The scripted worker ends a response with the first end token that it is given.
    let found = try await worker.generate(
      [GenerationRequest(prompt: encoded, seeds: [5])], sampling: SamplingOptions()
    ) { _ in }
    #expect(found[0][0].tokens == [5, 0])
    #expect(await worker.traffic.requests["images"]?.count == 1)
    #expect(await worker.traffic.requests["compare"] == nil)
  }

  @Test("a family that both sides know is compared once; 'prompts' leaves it to the worker")
  func comparison() async throws {
    let known = try await ScriptedWorker.open()
    #expect(await known.traffic.requests["compare"]?.count == 1)
    let left = try await ScriptedWorker.open { $0.prompts = .worker }
    #expect(await left.traffic.requests["compare"] == nil)
    #expect(try await left.encode(prompt([["type": "text", "text": "ab"]])).tokens == [97, 98])
  }

  @Test("what the worker says of a model comes with the policy")
  func note() async throws {
    let options = ScriptedWorker.options("good") { $0.prompts = .worker }
    let backend = WorkerPolicyBackend(options: options, assembly: .plain())
    let policy = try await backend.opened(PolicyOpening(purpose: .inference))
    #expect(policy.notes == ["made up"])
    #expect(policy.limited(to: []).notes == ["made up"])
    await policy.close()
  }

  @Test("a known family with a tokenizer of another kind is left to the worker, with the reason")
  func otherTokenizer() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("family-\(UUID().uuidString)").path
    try FileManager.default.copyItem(atPath: ScriptedWorker.model, toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + "/tokenizer.json"
    try #"{"model": {"type": "Unigram", "vocab": []}}"#.write(toFile: file, atomically: true, encoding: .utf8)
    let worker = try await ScriptedWorker.open { $0.model = SpecPath(folder) }
    #expect(worker.notes.count == 2)
    let start = "the model's own processor makes tokens and pixels, since this program does not: \(file)"
    #expect(worker.notes.last?.hasPrefix(start) == true, "\(worker.notes)")
    #expect(await worker.traffic.requests["compare"] == nil)
  }

  @Test("records that cannot be used are refused with their reason, and the worker goes on")
  func refused() async throws {
    let worker = try await open()
    func message(_ prompt: PolicyPrompt) async -> String? {
      let failure = await ScriptedWorker.failure { _ = try await worker.encode(prompt) }
      #expect(failure?.isAboutARecord == true)
      return failure?.message
    }
    #expect(
      await message(PolicyPrompt(.tokens([1, 9], images: ["grey-8.png"]), folder: Self.images))
        == "the prompt holds 1 image placeholders; expand each")
    #expect(
      await message(PolicyPrompt(.tokens([1, 499], images: [])))
        == "the prompt holds the token id 499, but the vocabulary ends at 498")
    let sized: JSONValue = ["type": "image", "image": "grey-8.png", "max_pixels": 256]
    let text = try await message(prompt([sized])) ?? ""
    #expect(
      text.hasSuffix(
        "the record asks for a size of its image, which the model's own processor does not take; leave min_pixels, "
          + "max_pixels, resized_height, resized_width out"), "\(text)")
    #expect(try await worker.decode([104, 105]) == "hi")
  }

  @Test("an option for images that get their size here names where else to set it")
  func pixels() async throws {
    let folder = try ScriptedWorker.unknownFamily()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let failure = await ScriptedWorker.failure {
      _ = try await ScriptedWorker.open {
        $0.model = SpecPath(folder)
        $0.maxPixels = .pixels(4096)
      }
    }
    #expect(
      failure?.message
        == "policy.with.min_pixels and max_pixels are for families whose images get their size here; for \(folder) the model's "
        + "own processor does that: leave them out, and change its preprocessor_config.json or processor_config.json")
    #expect(failure?.code == .invalidSpec)
  }

  @Test("the context of any family is read from config.json without a worker")
  func context() throws {
    let folder = try ScriptedWorker.unknownFamily()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var options = WorkerPolicyBackend.Options()
    options.model = SpecPath(folder)
    #expect(WorkerPolicyBackend(options: options, assembly: .plain()).contextLength(in: "") == 256)
  }
}

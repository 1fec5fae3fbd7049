// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import PipelineTesting
import Synchronization
import Testing
import WorkerPlugin

@Suite("A policy in another process", .timeLimit(.minutes(15)))
struct WorkerPolicyTests {
  @Test("its facts are the model's, its tokens the bundled policy's")
  func tokens() async throws {
    let worker = try await ScriptedWorker.open()
    let facts = await worker.facts
    #expect(facts.parameterCount == 42)
    var options = BundledPolicy.Options()
    options.use = .inference
    let bundled = try BundledPolicy(folder: ScriptedWorker.model, options: options)
    #expect(await facts.markTokens == bundled.facts.markTokens)
    #expect(await facts.contextLength == bundled.facts.contextLength)
    let image = ScriptedWorker.root.appendingPathComponent("Tests/BundledPluginTests/Fixtures/images/grey-8.png").path
    let message: JSONValue = [
      [
        "role": "user",
        "content": [["type": "image", "image": .string(image)], ["type": "text", "text": "What is it?"]],
      ]
    ]
    let prompt = try PolicyPrompt(message)
    #expect(try await worker.encode(prompt) == bundled.encode(prompt))
    let response = try await worker.encode(response: "a circle", finish: .stop)
    #expect(response == (try await bundled.encode(response: "a circle", finish: .stop)))
    #expect(try await worker.decode(response) == "a circle")
  }

  @Test("sizes of images: those of a part and of the options give the bundled policy's tokens")
  func sizes() async throws {
    let image = ScriptedWorker.root.appendingPathComponent("Tests/BundledPluginTests/Fixtures/images/ycbcr-420.jpg")
      .path
    func prompt(_ details: [JSONValue.Member] = []) throws -> PolicyPrompt {
      try PolicyPrompt(
        [
          [
            "role": "user",
            "content": [ChatImage(image, details: details).json, ["type": "text", "text": "What is it?"]],
          ]
        ])
    }
    let worker = try await ScriptedWorker.open {
      $0.minPixels = .pixels(256)
      $0.maxPixels = .pixels(4096)
    }
    var options = BundledPolicy.Options()
    options.use = .inference
    options.pixels = PixelLimits(minPixels: .pixels(256), maxPixels: .pixels(4096))
    let bundled = try BundledPolicy(folder: ScriptedWorker.model, options: options)
    let plain = try await worker.encode(prompt())
    #expect(try await bundled.encode(prompt()) == plain)
    let details: [JSONValue.Member] = [.init("max_pixels", 256)]
    let small = try await worker.encode(prompt(details))
    #expect(try await bundled.encode(prompt(details)) == small)
    // Sixteen pixels a side make a token of this model.
    #expect(small.tokens.count == plain.tokens.count - 3)
    #expect(small.images == [ImageReference(image, sizing: .pixels(atLeast: nil, atMost: 256))])
    // A record in tokens asks for the same.
    let again = try await worker.encode(PolicyPrompt(.tokens(small.tokens, images: small.images)))
    #expect(again == small)
  }

  @Test("responses come back under their prompts and seeds, whatever the order they arrive in")
  func generate() async throws {
    let worker = try await ScriptedWorker.open()
    let heard = Mutex<[GenerationProgress]>([])
    let found = try await worker.generate(
      [
        GenerationRequest(prompt: EncodedPrompt(tokens: [1, 2]), seeds: [5, 96, 97]),
        GenerationRequest(prompt: EncodedPrompt(tokens: [3]), seeds: [.max]),
      ], sampling: SamplingOptions()
    ) { progress in heard.withLock { $0.append(progress) } }
    #expect(found.map { $0.map { $0.tokens[0] } } == [[5, 96, 0], [Int32(UInt64.max % 97)]])
    #expect(found[0][0].logProbs == [-0.5, -0.25])
    #expect(found[0][0].finish == .stop)
    #expect(heard.withLock { $0.last } == GenerationProgress(responses: 4, tokens: 8))
  }

  @Test("a policy that is closed has its worker end by itself, and answers no more")
  func close() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("goodbye-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let worker = try await ScriptedWorker.open { $0.command.append(file.path) }
    await worker.close()
    #expect(try String(contentsOf: file, encoding: .utf8) == "ended by itself")
    let failure = await ScriptedWorker.failure { try await worker.save(to: "nowhere") }
    #expect(failure?.message == "the policy's worker was closed; open the policy anew")
  }

  @Test("images are sent once, in the size that the model sees")
  func images() async throws {
    // The scripted worker fails where an image comes twice, or is used and was never sent.
    let worker = try await ScriptedWorker.open()
    let folder = ScriptedWorker.root.appendingPathComponent("Tests/BundledPluginTests/Fixtures/images").path
    let message: JSONValue = [["role": "user", "content": [["type": "image", "image": "grey-8.png"]]]]
    let prompt = try await worker.encode(PolicyPrompt(message, folder: folder))
    let request = GenerationRequest(prompt: prompt, seeds: [1])
    for _ in 0..<2 {
      _ = try await worker.generate([request, request], sampling: SamplingOptions()) { _ in }
    }
    // Before them, the comparison at start-up has sent two of its own, and dropped them.
    #expect(await worker.traffic.requests["images"]?.count == 3)
    #expect(await worker.traffic.requests["generate"]?.count == 2)
  }

  @Test("log-probabilities come back under their groups, empty responses included")
  func logProbs() async throws {
    let worker = try await ScriptedWorker.open()
    let found = try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)
    #expect(found == [[[-0.25, -0.5], [], [-0.5]], [[-0.625, -0.875, -0.125]]])
  }

  @Test("a policy opened for training can do all, one for inference all but that; either keeps its first weights")
  func abilities() async throws {
    for (purpose, abilities) in [
      (PolicyOpening.Purpose.training, Set(PolicyAbility.allCases)),
      (.inference, [.generation, .logProbs, .reference, .entropies, .imageChanges]),
    ] {
      let backend = WorkerPolicyBackend(options: ScriptedWorker.options("good"), assembly: .plain())
      let policy = try await backend.opened(PolicyOpening(purpose: purpose))
      #expect(policy.abilities == abilities)
      let reference = try policy.required(.reference, \.reference)
      let before = try await reference.logProbs(of: ScriptedWorker.groups, temperature: 1)
      #expect(before == [[[-1.25, -1.5], [], [-1.5]], [[-1.625, -1.875, -1.125]]])
      await policy.close()
    }
  }

  @Test("the gradient of each response goes back where its log-probabilities came from")
  func accumulate() async throws {
    let worker = try await ScriptedWorker.open()
    let seen = Mutex<[ResponsePlace: [Float]]>([:])
    try await worker.accumulate(ScriptedWorker.groups, temperature: 0.5) { place, logProbs in
      seen.withLock { $0[place] = logProbs }
      return logProbs.map { _ in place == ResponsePlace(group: 1, response: 0) ? 2 : 1 }
    }
    #expect(seen.withLock { $0[ResponsePlace(group: 0, response: 0)] } == [-0.25, -0.5])
    #expect(seen.withLock { $0[ResponsePlace(group: 1, response: 0)] } == [-0.625, -0.875, -0.125])
    let report = try await worker.step(OptimizerStep(learningRate: 1e-3))
    #expect(report == OptimizerReport(gradientNorm: 15.squareRoot(), steps: 1, padding: 0.25))
    // The next ones are of the new weights.
    let after = try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)
    #expect(after[0][0] == [-0.375, -0.625])
  }

  @Test("entropies come with the log-probabilities where they are asked for, and their derivatives go back")
  func entropies() async throws {
    let worker = try await ScriptedWorker.open()
    let seen = Mutex<[ResponsePlace: TokenFigures]>([:])
    try await worker.accumulateWithEntropy(ScriptedWorker.groups, temperature: 0.5) { place, figures in
      seen.withLock { $0[place] = figures }
      return TokenFigures(logProbs: figures.logProbs.map { _ in 1 }, entropies: figures.entropies.map { _ in 2 })
    }
    let first = TokenFigures(logProbs: [-0.25, -0.5], entropies: [0.125, 0.25])
    #expect(seen.withLock { $0[ResponsePlace(group: 0, response: 0)] } == first)
    // Six tokens, each with 1 and 2.
    let report = try await worker.step(OptimizerStep(learningRate: 1e-3))
    #expect(report == OptimizerReport(gradientNorm: 30.squareRoot(), steps: 1, padding: 0.25))
    let silent = try await ScriptedWorker.open("no-entropies")
    let failure = await ScriptedWorker.failure {
      try await silent.accumulateWithEntropy(ScriptedWorker.groups, temperature: 1) { _, figures in figures }
    }
    #expect(failure?.message.contains("a forward pass without an entropy for each log-probability") == true)
  }

  @Test("entropies of given responses, one for each token; a worker without them is named")
  func givenEntropies() async throws {
    let worker = try await ScriptedWorker.open()
    let found = try await worker.entropies(of: ScriptedWorker.groups)
    let logProbs = try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)
    #expect(found == logProbs.map { $0.map { $0.map { -$0 / 2 } } })
    let silent = try await ScriptedWorker.open("no-entropies")
    let failure = await ScriptedWorker.failure { _ = try await silent.entropies(of: ScriptedWorker.groups) }
    #expect(failure?.message == "the policy's worker gave 0 entropies for 6 tokens")
  }

  @Test("what a loss throws stops the request and leaves the worker as it was")
  func lossThrows() async throws {
    let worker = try await ScriptedWorker.open()
    let failure = await ScriptedWorker.failure {
      try await worker.accumulate(ScriptedWorker.groups, temperature: 1) { _, _ in
        throw PipelineError(.invalidData, "no advantage")
      }
    }
    #expect(failure?.message == "no advantage")
    #expect(try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)[0][2] == [-0.5])
  }

  @Test("a cancelled request ends, and the worker goes on")
  func cancellation() async throws {
    let worker = try await ScriptedWorker.open("waits")
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [1]), seeds: [1])
    let (started, signal) = AsyncStream<Void>.makeStream()
    let task = Task {
      try await worker.generate([request], sampling: SamplingOptions()) { _ in signal.yield() }
    }
    for await _ in started { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    #expect(try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)[0][2] == [-0.5])
  }

  @Test("requests of several tasks wait for each other")
  func concurrency() async throws {
    let worker = try await ScriptedWorker.open()
    let found = try await withThrowingTaskGroup(of: [[[Float]]].self) { group in
      for _ in 0..<8 { group.addTask { try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1) } }
      return try await group.reduce(into: []) { $0.append($1[0][0]) }
    }
    #expect(found == Array(repeating: [-0.25, -0.5], count: 8))
  }

  @Test("a checkpoint is saved under a path that holds in any working folder")
  func save() async throws {
    let worker = try await ScriptedWorker.open()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("worker-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await worker.save(to: folder)
    #expect(try String(contentsOfFile: folder + "/steps", encoding: .utf8) == "0")
  }
}

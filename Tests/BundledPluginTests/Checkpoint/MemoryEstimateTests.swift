// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Tensor
import Testing

/// A text model whose matrices are large beside the steps in which memory is given; all its weights are 0.
struct WideModel {
  var type = "llama"
  var contextLength = 4096

  func write(to scratch: Scratch) throws -> String {
    let document: JSONValue = [
      "model_type": .string(type), "hidden_size": 256, "intermediate_size": 640, "num_hidden_layers": 3,
      "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 3000, "rms_norm_eps": 1e-6,
      "max_position_embeddings": .number(contextLength), "rope_theta": 10000, "tie_word_embeddings": true,
      "hidden_act": "silu",
      "eos_token_id": 2,
    ]
    try scratch.write("\(type)/config.json", document.prettyJSON)
    let config = try ModelConfig(document: document, path: "config.json")
    let tensors = config.expectedTensors.map {
      TinyModel.Stored(name: $0.name, type: "F32", shape: $0.shape, bytes: [UInt8](repeating: 0, count: 4 * $0.count))
    }
    try scratch.write("\(type)/model.safetensors", TinyModel.safetensors(tensors))
    return scratch.path + "/" + type
  }

  /// A prompt of an eighth of the rows, and four responses.
  static func group(rows: Int) -> PromptGroup {
    PromptGroup(
      prompt: [Int32](repeating: 5, count: rows / 8),
      responses: [[Int32]](repeating: Array(repeating: 7, count: 7 * rows / 32), count: 4))
  }
}

@Suite("Estimates of memory", .timeLimit(.minutes(15)))
struct MemoryEstimateTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// What a model has allocated at most: its weights, then two micro-batches of a first step, then those of a second, when the
  /// optimizer has its moments.
  private struct Peaks {
    let weights: Int
    let firstStep: Int
    let secondStep: Int

    init(_ checkpoint: Checkpoint, _ use: WeightUse, rows: Int) throws {
      let model = try LanguageModel(checkpoint, use: use, threads: 1)
      let optimizer = AdamW(model.parameters, workers: model.workers, pool: model.pool)
      weights = model.pool.peakBytes
      let batch = try PackedBatch([WideModel.group(rows: rows)], config: model.config)
      func addGradients() {
        for _ in 0..<2 {
          let tape = model.tape(isRecording: true)
          let logProbs = model.logProbs(of: batch, temperature: 1, on: tape)
          logProbs.gradientSum().elements.update(repeating: 1)
          tape.backward()
        }
      }
      addGradients()
      firstStep = model.pool.peakBytes
      _ = try optimizer.step(OptimizerStep(learningRate: 0))
      addGradients()
      secondStep = model.pool.peakBytes
    }
  }

  /// Compares with an estimate.
  ///
  /// The pool rounds up by at most an eighth. That an eighth of the rows, the prompt, predicts nothing leaves out less than a
  /// twelfth.
  private func expect(_ allocated: Int, isAbout estimated: Int, source: Testing.SourceLocation = #_sourceLocation) {
    let range = Double(estimated) * 11 / 12...Double(estimated) * 9 / 8
    #expect(
      range.contains(Double(allocated)), "\(allocated) allocated, \(estimated) estimated", sourceLocation: source)
  }

  @Test("each part is what training allocates", arguments: ["llama", "qwen2", "qwen3"])
  func training(type: String) throws {
    let checkpoint = try Checkpoint(folder: WideModel(type: type).write(to: scratch))
    let estimate = MemoryEstimate(checkpoint)
    let peaks = try Peaks(checkpoint, .training(vision: .frozen), rows: 1200)
    let gradientsAndMoments = estimate.gradientsAndMoments(.frozen)
    expect(peaks.weights, isAbout: estimate.trainingWeights)
    expect(
      peaks.firstStep - peaks.weights,
      isAbout: gradientsAndMoments / 3 + estimate.packedWeights.training + estimate.activations(1200))
    expect(peaks.secondStep - peaks.firstStep, isAbout: gradientsAndMoments * 2 / 3)
    let whole = estimate.memory(.training(vision: .frozen), rowsPerMicroBatch: 1200).byteCount
    expect(peaks.secondStep, isAbout: whole * 16 / 17)
  }

  @Test("adapters: weights without gradients, and what the adapters keep of each row")
  func adapters() throws {
    let checkpoint = try Checkpoint(folder: WideModel().write(to: scratch))
    var options = AdapterOptions()
    options.rank = 64
    let settings = AdapterSettings(rank: options.rank, alpha: options.alpha, targets: options.targets)
    let peaks = try Peaks(checkpoint, .adapters(settings), rows: 1200)
    let estimate = MemoryEstimate(checkpoint)
    let parts = estimate.memory(.adapters(options), rowsPerMicroBatch: 1200).parts
    #expect(
      parts.map(\.name) == [
        "weights", "adapters, gradients and moments", "up to 1200 rows at a time", "rounding of sizes",
      ])
    // Adapters are made with the model.
    expect(peaks.weights, isAbout: estimate.widenedWeights + parts[1].byteCount / 4)
    expect(
      peaks.secondStep - peaks.weights,
      isAbout: estimate.packedWeights.adapters + parts[1].byteCount * 3 / 4 + parts[2].byteCount)
  }

  @Test(
    "sampling takes what prompts, caches and logits take",
    arguments: [(300, 4, 16, 8), (3000, 5, 1, 2), (40, 16, 32, 100), (200, 32, 8, 33)])
  func sampling(promptTokens: Int, prompts: Int, each: Int, longest: Int) async throws {
    let folder = try WideModel(contextLength: promptTokens + longest).write(to: scratch)
    let estimate = MemoryEstimate(try Checkpoint(folder: folder))
    var options = BundledPolicy.Options()
    options.use = .inference
    let policy = try BundledPolicy(folder: folder, options: options)
    let weights = await policy.peakBytes
    var sampling = SamplingOptions()
    (sampling.maxTokens, sampling.minTokens) = (longest, longest)
    let prompt = EncodedPrompt(tokens: [Int32](repeating: 5, count: promptTokens), images: [], folder: folder)
    let seeds = (1...UInt64(each)).map { $0 }
    _ = try await policy.generate(
      [GenerationRequest](repeating: GenerationRequest(prompt: prompt, seeds: seeds), count: prompts),
      sampling: sampling
    ) { _ in }
    let load = SamplingLoad(prompts: prompts, responsesPerPrompt: each, longestResponse: longest)
    let (responses, tokens, byteCount) = estimate.sampling(load)
    #expect(responses == prompts * each && tokens == prompts * promptTokens)
    let taken = await policy.peakBytes - weights
    expect(taken, isAbout: byteCount)
    let parts = estimate.memory(
      .inference, rowsPerMicroBatch: 1000,
      sampling: [SamplingLoad(prompts: 1, responsesPerPrompt: 1, longestResponse: 1), load]
    ).parts
    #expect(
      parts.map(\.name) == [
        "weights",
        "sampling \(responses) responses of up to \(longest) tokens after prompts of up to \(tokens) together",
        "rounding of sizes",
      ])
    #expect(parts[1].byteCount == byteCount)
  }

  @Test(
    "a wave has a bounded number of responses and of tokens of prompts, and the larger of activations and sampling counts"
  )
  func waves() throws {
    let estimate = MemoryEstimate(try Checkpoint(folder: WideModel().write(to: scratch)))
    let unknown = SamplingLoad(prompts: .max, responsesPerPrompt: 10, longestResponse: 256)
    #expect(
      estimate.sampling(unknown)
        == estimate.sampling(SamplingLoad(prompts: 102, responsesPerPrompt: 10, longestResponse: 256)))
    #expect(estimate.sampling(SamplingLoad(prompts: 3, responsesPerPrompt: 5000, longestResponse: 1)).responses == 5000)
    func last(_ rows: Int) -> PolicyMemory.Part? {
      estimate.memory(.training(vision: .frozen), rowsPerMicroBatch: rows, sampling: [unknown]).parts.dropLast().last
    }
    let sampled = estimate.sampling(unknown).byteCount
    #expect(
      last(100)?.name == "sampling 1020 responses of up to 256 tokens after prompts of up to 16384 together"
        && last(100)?.byteCount == sampled)
    #expect(last(100_000)?.name == "up to 100000 rows at a time" && (last(100_000)?.byteCount ?? 0) > sampled)
  }

  #if os(Linux)
    @Test("batches of many sizes take no more than the largest")
    func manySizes() async {
      await #expect(processExitsWith: .success) {
        func peak() throws -> Int {
          let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
          let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
          return try #require(Int(line.filter(\.isNumber))) * 1024
        }
        let scratch = try Scratch()
        let folder = try WideModel().write(to: scratch)
        var options = BundledPolicy.Options()
        options.use = .training(vision: .frozen)
        let policy = try BundledPolicy(folder: folder, options: options)
        var peaks: [Int] = []
        for rows in [3000, 2600, 2200, 1900, 1600, 1300] {
          let group = WideModel.group(rows: rows)
          let prompt = EncodedPrompt(tokens: group.prompt, images: [], folder: folder)
          try await policy.accumulate([ResponseGroup(prompt: prompt, responses: group.responses)], temperature: 1) {
            _, logProbs in logProbs
          }
          peaks.append(try peak())
        }
        let largest = MemoryEstimate(try Checkpoint(folder: folder)).activations(3000)
        #expect((peaks.last ?? 0) - peaks[0] < largest / 4, "\(peaks), \(largest) for the largest batch")
      }
    }
  #endif
}

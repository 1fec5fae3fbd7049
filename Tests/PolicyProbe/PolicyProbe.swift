// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// Generates and computes log-probabilities with a checkpoint.
struct PolicyProbe {
  private let policy: BundledPolicy
  private let folder: String
  private let loadSeconds: Double
  private let clock = ContinuousClock()

  /// - Parameter rank: That of adapters to train in place of the weights.
  init(_ arguments: [String], training: Bool = false, rank: Int = 0) throws {
    guard (2...3).contains(arguments.count) else {
      throw PipelineError(.invalidSpec, "name the folder of the model, and the number of threads if not 2")
    }
    folder = arguments[1]
    var options = BundledPolicy.Options()
    let hasTower = try ModelConfig(folder: folder).vision != nil
    options.use = training ? .training(vision: hasTower && rank == 0 ? .trained : .frozen) : .inference
    if rank > 0 { options.adapters = AdapterSettings(rank: rank, alpha: 2 * Double(rank)) }
    options.threads = arguments.count > 2 ? Int(arguments[2]) ?? 2 : 2
    let start = clock.now
    policy = try BundledPolicy(folder: folder, options: options)
    loadSeconds = (clock.now - start) / .seconds(1)
  }

  /// For each line with `prompt_tokens`, `images`, `responses` and `temperature`: the responses' log-probabilities.
  func logProbs() async throws {
    while let line = readLine() {
      let record = try JSONValue(parsing: line)
      let group = ResponseGroup(
        prompt: prompt(record), responses: (record["responses"]?.arrayValue ?? []).map(ids))
      let found = try await policy.logProbs(of: [group], temperature: record["temperature"]?.doubleValue ?? 1)
      write(.array(found[0].map { .array($0.map { .number(Double($0)) }) }))
    }
  }

  /// For all lines as above together: the gradient of the mean of −log p of all response tokens, by names of tensors.
  func gradients() async throws {
    try await accumulate(try groups())
    let found = await policy.gradients
    let members = found.sorted { $0.key < $1.key }.map { name, values in
      JSONValue.Member(name, .array(values.map { .number(Double($0)) }))
    }
    write(.object(members))
  }

  /// One step of AdamW on that loss, and the checkpoint in a folder; prints the log-probabilities after the step.
  func train(to target: String) async throws {
    let groups = try groups()
    try await accumulate(groups)
    _ = try await policy.step(OptimizerStep(learningRate: 1e-3))
    try await policy.save(to: target)
    let found = try await policy.logProbs(of: groups, temperature: 1)
    for group in found { write(.array(group.map { .array($0.map { .number(Double($0)) }) })) }
  }

  private func groups() throws -> [ResponseGroup] {
    var groups: [ResponseGroup] = []
    while let line = readLine() {
      let record = try JSONValue(parsing: line)
      groups.append(
        ResponseGroup(prompt: prompt(record), responses: (record["responses"]?.arrayValue ?? []).map(ids)))
    }
    return groups
  }

  private func accumulate(_ groups: [ResponseGroup]) async throws {
    let count = groups.reduce(0) { $0 + $1.responses.reduce(0) { $0 + $1.count } }
    try await policy.accumulate(groups, temperature: 1) { _, logProbs in
      [Float](repeating: -1 / Float(count), count: logProbs.count)
    }
  }

  /// For each line with `prompt_tokens`, `images` and `max_tokens`: the greedy response.
  func greedy() async throws {
    while let line = readLine() {
      let record = try JSONValue(parsing: line)
      var sampling = SamplingOptions()
      (sampling.temperature, sampling.maxTokens) = (0, record["max_tokens"]?.intValue ?? 16)
      let found = try await policy.generate(
        [GenerationRequest(prompt: prompt(record), seeds: [1])], sampling: sampling
      ) { _ in }
      write(.array(found[0][0].tokens.map { .number(Int($0)) }))
    }
  }

  /// One record as above: seconds to load and for log-probabilities, seconds a token, and the most memory in bytes.
  func measure() async throws {
    let record = try JSONValue(parsing: readLine() ?? "")
    let group = ResponseGroup(prompt: prompt(record), responses: (record["responses"]?.arrayValue ?? []).map(ids))
    var logProbs: [[[Float]]] = []
    let scoring = try await time { logProbs = try await policy.logProbs(of: [group], temperature: 1) }
    var sampling = SamplingOptions()
    let count = record["max_tokens"]?.intValue ?? 8
    (sampling.minTokens, sampling.maxTokens) = (count, count)
    var seconds: [Double] = []
    for tokens in [1, count] {
      (sampling.minTokens, sampling.maxTokens) = (tokens, tokens)
      let options = sampling
      let request = GenerationRequest(prompt: group.prompt, seeds: [1])
      seconds.append(try await time { _ = try await policy.generate([request], sampling: options) { _ in } })
    }
    write([
      "load_seconds": .number(loadSeconds), "log_prob_seconds": .number(scoring),
      "seconds_per_token": .number((seconds[1] - seconds[0]) / Double(max(1, count - 1))),
      "peak_bytes": .number(Self.peakBytes), "parameters": .number(await policy.facts.parameterCount),
      "log_probs": .array(logProbs[0].map { .array($0.map { .number(Double($0)) }) }),
    ])
  }

  private func time(_ body: () async throws -> Void) async rethrows -> Double {
    let start = clock.now
    try await body()
    return (clock.now - start) / .seconds(1)
  }

  /// The most resident memory of this process, mapped files included.
  private static var peakBytes: Int {
    var usage = rusage()
    #if os(macOS)
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #endif
  }

  private func prompt(_ record: JSONValue) -> EncodedPrompt {
    EncodedPrompt(
      tokens: ids(record["prompt_tokens"] ?? []),
      images: (record["images"]?.arrayValue ?? []).compactMap(\.stringValue).map { ImageReference($0) },
      folder: record["folder"]?.stringValue ?? "")
  }

  private func ids(_ value: JSONValue) -> [Int32] { (value.arrayValue ?? []).compactMap(\.intValue).map { Int32($0) } }

  private func write(_ value: JSONValue) {
    FileHandle.standardOutput.write(Data((value.json + "\n").utf8))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import WorkerPlugin

/// Measures what the policy wire protocol takes beside the computation, for Tests/Worker/measure.
struct WorkerProbe {
  private let folder: String
  private let command: [String]
  private let prompts: Int
  private let responses: Int
  private let length: Int

  init(_ arguments: [String]) throws {
    guard arguments.count >= 5, let prompts = Int(arguments[2]), let responses = Int(arguments[3]),
      let length = Int(arguments[4])
    else { throw PipelineError(.invalidSpec, "name a model, numbers of prompts, responses and tokens, and a command") }
    folder = arguments[1]
    (self.prompts, self.responses, self.length) = (prompts, responses, length)
    command = Array(arguments.dropFirst(5))
  }

  func run() async throws {
    var options = WorkerPolicyBackend.Options()
    options.model = SpecPath(folder)
    options.command = command
    let backend = WorkerPolicyBackend(options: options, assembly: .plain())
    let threads = ProcessInfo.processInfo.activeProcessorCount
    let policy = try await backend.worker(PolicyOpening(purpose: .training, threads: threads))
    let size = Int32(await policy.facts.vocabularySize) - 20
    let groups = (0..<prompts).map { number in
      ResponseGroup(
        prompt: EncodedPrompt(tokens: (0..<40).map { Int32($0 + number) % size }),
        responses: (0..<responses).map { row in (0..<length).map { Int32($0 * 7 + row) % size } })
    }
    _ = try await policy.logProbs(of: [groups[0]], temperature: 1)
    var before = await policy.traffic
    var lines: [JSONValue.Member] = []
    func measure(_ name: String, _ body: () async throws -> Void) async throws {
      let start = ContinuousClock.now
      try await body()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let now = await policy.traffic
      let busy = now.workerSeconds - before.workerSeconds
      lines.append(
        .init(
          name,
          [
            "seconds": .number(seconds), "worker_seconds": .number(busy),
            "bytes_out": .number(now.bytesOut - before.bytesOut), "bytes_in": .number(now.bytesIn - before.bytesIn),
          ]))
      before = now
    }
    var sampling = SamplingOptions()
    (sampling.minTokens, sampling.maxTokens) = (length, length)
    let fixed = sampling
    try await measure("generate") {
      let requests = groups.map { group in
        GenerationRequest(prompt: group.prompt, seeds: group.responses.indices.map { UInt64($0) })
      }
      _ = try await policy.generate(requests, sampling: fixed) { _ in }
    }
    try await measure("log-probs") { _ = try await policy.logProbs(of: groups, temperature: 1) }
    try await measure("accumulate") {
      try await policy.accumulate(groups, temperature: 1) { _, logProbs in logProbs.map { _ in -0.001 } }
    }
    try await measure("step") { _ = try await policy.step(OptimizerStep(learningRate: 1e-6)) }
    print(JSONValue.object(lines).json)
  }
}

extension WorkerTraffic {
  fileprivate var workerSeconds: Double { requests.values.reduce(0) { $0 + $1.workerSeconds } }
}

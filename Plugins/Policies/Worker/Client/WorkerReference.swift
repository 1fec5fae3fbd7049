// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The initial weights of a run, in the worker that trains them: log-probabilities only.
struct WorkerReference: Policy {
  let policy: WorkerPolicy

  var facts: PolicyFacts { get async { await policy.facts } }

  func encode(_ prompt: PolicyPrompt) async throws -> EncodedPrompt { try await policy.encode(prompt) }

  func encode(response: String, finish: GeneratedResponse.Finish) async throws -> [Int32] {
    try await policy.encode(response: response, finish: finish)
  }

  func decode(_ tokens: [Int32]) async throws -> String { try await policy.decode(tokens) }

  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    try await policy.logProbs(of: groups, temperature: temperature, under: "reference")
  }

  func generate(
    _ requests: [GenerationRequest], sampling: SamplingOptions, progress: @Sendable (GenerationProgress) -> Void
  ) throws -> [[GeneratedResponse]] { throw Self.refusal }

  func accumulate(
    _ groups: [ResponseGroup], temperature: Double, gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) throws { throw Self.refusal }

  func step(_ step: OptimizerStep) throws -> OptimizerReport { throw Self.refusal }

  func save(to folder: String) throws { throw Self.refusal }

  private static let refusal = PipelineError(
    .plugIn, "the reference of a worker gives log-probabilities alone; open a policy of its own for more")
}

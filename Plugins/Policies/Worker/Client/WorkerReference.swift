// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The initial weights of a run, in the worker that trains them.
struct WorkerReference: LogProbSource {
  let policy: WorkerPolicy

  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    try await policy.logProbs(of: groups, temperature: temperature, under: "reference")
  }
}

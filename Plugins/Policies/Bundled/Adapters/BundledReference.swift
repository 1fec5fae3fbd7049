// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The initial weights of a run that trains adapters: the same model without them, which takes no memory of its own.
struct BundledReference: LogProbSource {
  let policy: BundledPolicy

  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    try await policy.logProbsWithoutAdapters(of: groups, temperature: temperature)
  }
}

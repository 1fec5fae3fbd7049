// SPDX-License-Identifier: Apache-2.0

/// Computes the entropies of the distributions that the tokens of given responses were drawn from.
///
/// The entropy of a token is `−Σ p log p` over the whole vocabulary, in nats, at temperature 1, before top-k and top-p. It
/// is a number of the policy, not of how it was sampled, so that responses of different temperatures can be compared.
public protocol EntropySource: Sendable {
  /// The entropies: one number for each token of each response.
  func entropies(of groups: [ResponseGroup]) async throws -> [[[Float]]]
}

/// Entropies in the place of log-probabilities, to be computed and stored in the same way.
struct EntropiesAsScores: LogProbSource {
  let source: any EntropySource

  func logProbs(of groups: [ResponseGroup], temperature: Double) async throws -> [[[Float]]] {
    try await source.entropies(of: groups)
  }
}

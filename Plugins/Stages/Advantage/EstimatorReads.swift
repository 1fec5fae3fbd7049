// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What an estimator reads of a trajectory beside its reward.
struct EstimatorReads: Sendable {
  /// The number of tokens.
  let tokens: Bool
  let baseline: Bool
  let seen: Bool
  /// The parts of the reward.
  let parts: Bool
  /// Fields with a number for each token.
  let lists: [Field]

  init(_ reads: Set<Field>) {
    tokens = !reads.isDisjoint(with: [.tokens, .logprobs, .entropies])
    baseline = reads.contains(.baseline)
    seen = reads.contains(.seen)
    parts = reads.contains(.rewards)
    lists = [.logprobs, .entropies].filter { reads.contains($0) }
  }
}

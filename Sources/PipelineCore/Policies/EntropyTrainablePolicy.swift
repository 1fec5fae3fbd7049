// SPDX-License-Identifier: Apache-2.0

/// A trainable policy that also gives the entropy of the distribution of each token, for losses with an entropy bonus.
public protocol EntropyTrainablePolicy: TrainablePolicy {
  /// Adds the gradient of a loss of log-probabilities and entropies; otherwise as
  /// ``TrainablePolicy/accumulate(_:temperature:gradient:)``.
  ///
  /// - Parameters:
  ///   - groups: A minibatch.
  ///   - temperature: Where the log-probabilities and the entropies are taken.
  ///   - gradient: Called once for each response; returns the derivatives of the loss.
  func accumulateWithEntropy(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, TokenFigures) throws -> TokenFigures
  ) async throws
}

/// Two numbers for each token of a response: its log-probability and the entropy of the distribution it was drawn from,
/// in nats; or the derivatives of a loss with respect to them.
public struct TokenFigures: Sendable, Hashable {
  /// Of each token's log-probability.
  public var logProbs: [Float]
  /// Of each token's entropy, `−Σ p log p` over the vocabulary.
  public var entropies: [Float]

  /// Figures of a response.
  ///
  /// - Precondition: There are as many of one as of the other.
  public init(logProbs: [Float], entropies: [Float]) {
    precondition(logProbs.count == entropies.count, "two figures for each token")
    (self.logProbs, self.entropies) = (logProbs, entropies)
  }
}

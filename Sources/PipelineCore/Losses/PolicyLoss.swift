// SPDX-License-Identifier: Apache-2.0

/// Turns log-probabilities and advantages into a loss and its gradient; knows nothing of models.
///
/// A loss sees one response at a time. ``LossTokens/weights`` contain how the tokens of a minibatch are averaged, so
/// that micro-batches of any size give the exact mean.
public protocol PolicyLoss: Component {
  /// The fields that a trajectory must carry to be trained on.
  var reads: Set<Field> { get }

  /// Whether it uses the policy before the step's first update.
  var usesOldLogProbs: Bool { get }

  /// The aggregation that the loss was published with; a spec may choose another.
  var aggregation: LossAggregation { get }

  /// The losses of a response's tokens, and the gradient of their weighted sum.
  ///
  /// - Throws: Only errors that make the whole step impossible.
  func evaluate(_ tokens: LossTokens) throws -> TokenLosses
}

extension PolicyLoss {
  /// The advantage.
  public var reads: Set<Field> { [.advantage] }
  /// A loss uses them by default.
  public var usesOldLogProbs: Bool { true }
  /// The mean over all tokens of the minibatch.
  public var aggregation: LossAggregation { .tokenMean }
}

/// How the losses of a minibatch's tokens become one number.
public enum LossAggregation: String, Codable, Sendable, Hashable, CaseIterable {
  /// The mean over all tokens.
  case tokenMean = "token-mean"
  /// The mean over responses of the mean over their tokens.
  case sequenceMeanTokenMean = "seq-mean-token-mean"
  /// The mean over responses of the sum over their tokens.
  case sequenceMeanTokenSum = "seq-mean-token-sum"
  /// The sum over all tokens, divided by responses × the longest response allowed: Dr. GRPO.
  case sequenceMeanTokenSumNorm = "seq-mean-token-sum-norm"
}

/// One response as a loss sees it: arrays of the same length, with one element for each token that is trained on.
public struct LossTokens: Sendable {
  /// Log-probabilities under the current policy.
  public var logProbs: [Double]
  /// Log-probabilities under the policy before the step's first update; those of the current policy if the loss does
  /// not use them.
  public var oldLogProbs: [Double]
  /// Advantages; zeros for a loss that does not read them.
  public var advantages: [Double]
  /// The factor of each token's loss in the minibatch's loss.
  ///
  /// It combines the aggregation, the trajectory's `loss_weight`, its draws and its importance; it is never negative.
  public var weights: [Double]

  /// One response.
  ///
  /// - Precondition: All arrays have the same length.
  public init(logProbs: [Double], oldLogProbs: [Double], advantages: [Double], weights: [Double]) {
    precondition(
      oldLogProbs.count == logProbs.count && advantages.count == logProbs.count && weights.count == logProbs.count,
      "one element a token")
    self.logProbs = logProbs
    self.oldLogProbs = oldLogProbs
    self.advantages = advantages
    self.weights = weights
  }

  /// The number of tokens.
  public var count: Int { logProbs.count }
}

/// The result of a loss for one response.
public struct TokenLosses: Sendable {
  /// The effect of clipping on a token; metrics give the share of each as `pg_clipfrac_higher` and `pg_clipfrac_lower`.
  ///
  /// Counted as in EasyR1, by the effect on the loss: a clipped ratio raises the loss, the dual clip lowers it.
  /// Clipping that changes nothing does not count.
  public enum Clip: Sendable, Hashable {
    /// None.
    case none
    /// The loss is higher than without clipping.
    case higher
    /// The loss is lower than without clipping.
    case lower
  }

  /// The loss of each token, unweighted.
  public var losses: [Double]
  /// The derivative of Σ weights·losses with respect to each token's log-probability.
  public var gradient: [Double]
  /// The effect of clipping on each token; empty for a loss without clipping.
  public var clips: [Clip]

  /// The losses and the gradient of a response.
  public init(losses: [Double], gradient: [Double], clips: [Clip] = []) {
    self.losses = losses
    self.gradient = gradient
    self.clips = clips
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Turns log-probabilities and advantages into a loss and its gradient; knows nothing of models.
///
/// A loss sees one response at a time: how the tokens of a minibatch are averaged is in ``LossTokens/weights``, so that
/// micro-batches of any size give the exact mean.
public protocol PolicyLoss: Component {
  /// What a trajectory must carry to be trained on.
  var reads: Set<Field> { get }

  /// Whether it compares with the policy before the step's first update.
  var usesOldLogProbs: Bool { get }

  /// The averaging it was published with; a spec may choose another.
  var aggregation: LossAggregation { get }

  /// The losses of a response's tokens, and the gradient of their weighted sum.
  ///
  /// - Throws: Only what makes the whole step impossible.
  func evaluate(_ tokens: LossTokens) throws -> TokenLosses
}

extension PolicyLoss {
  /// The advantage.
  public var reads: Set<Field> { [.advantage] }
  /// It does.
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

/// One response as a loss sees it: arrays of the same length, one element a token that is trained on.
public struct LossTokens: Sendable {
  /// Log-probabilities under the policy of now.
  public var logProbs: [Double]
  /// Log-probabilities under the policy before the step's first update; those of now for a loss without use for them.
  public var oldLogProbs: [Double]
  /// Advantages; zeros for a loss that does not read them.
  public var advantages: [Double]
  /// What each token's loss is multiplied by on its way into the minibatch's loss.
  ///
  /// The share of the aggregation times the trajectory's `loss_weight`, its draws and its importance; none negative.
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

/// What a loss makes of a response.
public struct TokenLosses: Sendable {
  /// What a limit did to a token; metrics give the share of each as `pg_clipfrac_higher` and `pg_clipfrac_lower`.
  ///
  /// As EasyR1 counts them: by what became of the loss. A clipped ratio, at whichever of its limits, raises the loss; the
  /// dual clip lowers it. A limit that changes nothing does not count.
  public enum Clip: Sendable, Hashable {
    /// Nothing.
    case none
    /// The loss is higher than without the limit.
    case higher
    /// The loss is lower than without the limit.
    case lower
  }

  /// The loss of each token, not weighted.
  public var losses: [Double]
  /// The derivative of Σ weights·losses by the log-probability of each token.
  public var gradient: [Double]
  /// What a limit did to each token; empty for a loss without limits.
  public var clips: [Clip]

  /// Losses and gradient of a response.
  public init(losses: [Double], gradient: [Double], clips: [Clip] = []) {
    self.losses = losses
    self.gradient = gradient
    self.clips = clips
  }
}

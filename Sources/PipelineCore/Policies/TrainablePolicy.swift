// SPDX-License-Identifier: Apache-2.0

/// A policy whose weights can be updated: it takes gradients with respect to log-probabilities, and knows no losses.
public protocol TrainablePolicy: Sendable {
  /// Adds the gradient of a loss to what ``step(_:)`` will apply.
  ///
  /// - Parameters:
  ///   - groups: A minibatch. The policy splits it into micro-batches that fit its memory.
  ///   - temperature: Where the log-probabilities are taken.
  ///   - gradient: Called once for each response, with its place and the log-probabilities of its tokens under the
  ///     current weights; returns the derivative of the loss with respect to each of them.
  /// - Throws: What `gradient` throws, or when a group cannot be used. All gradients since the last step are then
  ///   discarded.
  func accumulate(
    _ groups: [ResponseGroup], temperature: Double,
    gradient: @Sendable (ResponsePlace, [Float]) throws -> [Float]
  ) async throws

  /// Applies the gradients accumulated since the last step, and clears them.
  ///
  /// - Throws: When a gradient is not finite; the weights stay as they were.
  func step(_ step: OptimizerStep) async throws -> OptimizerReport

  /// Writes weights, tokenizer and the optimizer's state into a folder, atomically.
  func save(to folder: String) async throws
}

/// Which response of a minibatch.
public struct ResponsePlace: Sendable, Hashable {
  /// The index of its group.
  public var group: Int
  /// The index within the group.
  public var response: Int

  /// A place.
  public init(group: Int, response: Int) {
    self.group = group
    self.response = response
  }
}

/// One step of AdamW, as in PyTorch.
public struct OptimizerStep: Sendable, Hashable {
  /// The learning rate of this step.
  public var learningRate: Double
  /// The decay of the first moment.
  public var beta1 = 0.9
  /// The decay of the second moment.
  public var beta2 = 0.999
  /// What is added to the root of the second moment.
  public var epsilon = 1e-8
  /// The decoupled weight decay.
  public var weightDecay = 0.01
  /// Which weights decay.
  public var decaying = Decaying.all
  /// What the learning rate is multiplied by for the vision tower, where it is trained.
  public var visionRateFactor = 1.0
  /// Gradients whose norm over all parameters is larger are scaled down to it; infinity for no limit.
  public var maxGradientNorm = 1.0

  /// Which weights decay.
  public enum Decaying: String, Sendable, Hashable, Codable, CaseIterable {
    /// All of them.
    case all
    /// Matrices; norms and biases do not.
    case matrices
  }

  /// A step at a learning rate.
  public init(learningRate: Double) { self.learningRate = learningRate }
}

/// What a step did.
public struct OptimizerReport: Sendable, Hashable {
  /// The norm of all gradients together, before clipping.
  public var gradientNorm: Double
  /// How many steps the optimizer has made.
  public var steps: Int
  /// The share of the tokens computed for it that was padding; nil where the policy does not say.
  public var padding: Double?

  /// A report.
  public init(gradientNorm: Double, steps: Int, padding: Double? = nil) {
    self.gradientNorm = gradientNorm
    self.steps = steps
    self.padding = padding
  }
}

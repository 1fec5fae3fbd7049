// SPDX-License-Identifier: Apache-2.0

/// The weight of the distance to a reference policy.
///
/// The default estimator is k3, as in GRPO and EasyR1: it is never negative and has the lowest variance, so that the
/// figure is easy to watch. In a loss, k2 has the gradient of the KL divergence.
public struct KLOptions: ComponentOptions, Hashable {
  /// Whether the coefficient changes.
  public enum Controller: String, Codable, Sendable, Hashable, CaseIterable {
    /// It is constant.
    case fixed
    /// It rises while the policy is further away than the target, and falls while it is nearer.
    case adaptive
  }

  /// The initial factor of the estimate; 0 for none.
  public var coefficient = 0.0
  /// How the distance is estimated at a token.
  public var estimator = KLEstimator.k3
  /// Whether the coefficient changes.
  public var controller = Controller.fixed
  /// The distance that an adaptive coefficient aims at, per token.
  public var target = 0.1
  /// Over how many trajectories an adaptive coefficient may change by 20 %.
  public var horizon = 10000.0

  /// None.
  public init() {}

  /// The help for each option.
  public static let help = [
    "coefficient": "the factor of the estimated KL divergence from the reference policy; 0 for none",
    "estimator": "k1 (of either sign), abs, k2 (half the square), or k3 (GRPO's: never negative, of low variance)",
    "controller": "fixed, or adaptive: the coefficient rises while KL is above the target and falls while it is below",
    "target": "adaptive: the KL per token to aim at",
    "horizon": "adaptive: over how many trajectories the coefficient may change by 20 %",
  ]

  /// The problems of the values.
  public func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !(coefficient >= 0 && coefficient.isFinite) {
      problems.append(OptionProblem("coefficient", "is \(coefficient), it must be 0 or more"))
    }
    if controller == .adaptive, coefficient == 0 {
      problems.append(
        OptionProblem("coefficient", "is 0, which an adaptive controller cannot change; give it a value to start from"))
    }
    if !(target > 0 && target.isFinite) {
      problems.append(OptionProblem("target", "is \(target), it must be more than 0"))
    }
    if !(horizon > 0 && horizon.isFinite) {
      problems.append(OptionProblem("horizon", "is \(horizon), it must be more than 0"))
    }
    return problems
  }
}

/// The coefficient of a KL divergence, as it changes from step to step.
///
/// Source: Ziegler et al., "Fine-Tuning Language Models from Human Preferences" (arXiv 1909.08593), as in EasyR1.
public struct KLController: Sendable, Hashable {
  /// How the coefficient changes.
  public let options: KLOptions
  /// The coefficient of the next step: all that a checkpoint needs to store.
  public private(set) var coefficient: Double

  /// A controller that starts with the coefficient of its options.
  public init(_ options: KLOptions) { self.init(options, coefficient: options.coefficient) }

  /// A controller that continues with a coefficient; a fixed one keeps that of its options.
  public init(_ options: KLOptions, coefficient: Double) {
    self.options = options
    self.coefficient = options.controller == .fixed ? options.coefficient : coefficient
  }

  /// The controller in a stage's memory; a new one if the memory is empty.
  ///
  /// - Throws: When the memory contains something else.
  public init(_ options: KLOptions, memory: JSONValue?) throws {
    guard options.controller == .adaptive, let memory else {
      self.init(options)
      return
    }
    guard let coefficient = memory.doubleValue, coefficient >= 0 else {
      throw PipelineError(
        .invalidData, "the checkpoint has \(memory.json.shortenedForMessage) in the place of a KL coefficient")
    }
    self.init(options, coefficient: coefficient)
  }

  /// What to store in a stage's memory.
  public var memory: JSONValue { .number(coefficient) }

  /// Takes the divergence of a step into account: `c ← c·(1 + clip(kl/target − 1, ±0.2)·n/horizon)`.
  ///
  /// A divergence that is not finite changes nothing; n/horizon counts as 1 at most.
  ///
  /// - Parameters:
  ///   - divergence: The mean over tokens.
  ///   - count: The number of trajectories.
  public mutating func update(divergence: Double, count: Int) {
    guard options.controller == .adaptive, divergence.isFinite else { return }
    let error = min(max(divergence / options.target - 1, -0.2), 0.2)
    // Differs from EasyR1: there, n beyond five horizons can make the coefficient negative.
    let next = coefficient * (1 + error * min(Double(count) / options.horizon, 1))
    coefficient = min(next, .greatestFiniteMagnitude)
  }
}

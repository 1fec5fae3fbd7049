// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension KLPenaltyStage {
  /// The options: those of ``PipelineCore/KLOptions``, with defaults for a reward.
  public struct Options: ComponentOptions, Hashable {
    /// The initial factor of the divergence; the default as in EasyR1.
    public var coefficient = 1e-3
    /// How the divergence is estimated at a token; k1 is unbiased, which is what a reward needs.
    public var estimator = KLEstimator.k1
    /// Whether the coefficient changes.
    public var controller = KLOptions.Controller.fixed
    /// The divergence per token that an adaptive coefficient aims at.
    public var target = KLOptions().target
    /// Over how many trajectories an adaptive coefficient may change by 20 %.
    public var horizon = KLOptions().horizon

    /// The defaults.
    public init() {}

    /// The help for each option.
    public static let help = KLOptions.help

    /// The problems of the values.
    public func problems() -> [OptionProblem] { kl.problems() }

    var kl: KLOptions {
      var kl = KLOptions()
      (kl.coefficient, kl.estimator, kl.controller) = (coefficient, estimator, controller)
      (kl.target, kl.horizon) = (target, horizon)
      return kl
    }
  }
}

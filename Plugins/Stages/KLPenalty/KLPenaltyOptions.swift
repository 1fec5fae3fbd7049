// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension KLPenaltyStage {
  /// What a spec can set: that of ``PipelineCore/KLOptions``, with defaults for a reward.
  public struct Options: ComponentOptions, Hashable {
    /// What the divergence is multiplied by, at first; the default as in EasyR1.
    public var coefficient = 1e-3
    /// How the divergence is estimated from a token; k1 is unbiased, which is what a reward needs.
    public var estimator = KLEstimator.k1
    /// Whether the coefficient stays.
    public var controller = KLOptions.Controller.fixed
    /// The divergence per token that an adaptive coefficient aims at.
    public var target = KLOptions().target
    /// Over how many trajectories an adaptive coefficient may change by 20 %.
    public var horizon = KLOptions().horizon

    /// The defaults.
    public init() {}

    /// What each option means.
    public static let help = KLOptions.help

    /// What is wrong with the values.
    public func problems() -> [OptionProblem] { kl.problems() }

    var kl: KLOptions {
      var kl = KLOptions()
      (kl.coefficient, kl.estimator, kl.controller) = (coefficient, estimator, controller)
      (kl.target, kl.horizon) = (target, horizon)
      return kl
    }
  }
}

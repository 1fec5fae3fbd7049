// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension KLPenaltyStage {
  /// The options: those of ``PipelineCore/KLOptions``, with defaults for a reward.
  package struct Options: ComponentOptions, Hashable {
    // As in EasyR1.
    package var coefficient = 1e-3
    // Unbiased, which is what a reward needs.
    package var estimator = KLEstimator.k1
    package var controller = KLOptions.Controller.fixed
    package var target = KLOptions().target
    package var horizon = KLOptions().horizon

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = KLOptions.help

    /// The problems of the values.
    package func problems() -> [OptionProblem] { kl.problems() }

    var kl: KLOptions {
      var kl = KLOptions()
      (kl.coefficient, kl.estimator, kl.controller) = (coefficient, estimator, controller)
      (kl.target, kl.horizon) = (target, horizon)
      return kl
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How strong the noise in images is, step by step.
///
/// Of the 1,000 steps of a diffusion, `t = ⌊strength · decay⌋` are taken: with `β_j = σ(l_j) · (0.005 − 1e-5) + 1e-5`, l from −6 to 6,
/// the share of the image's variance that stays is the product of `1 − β` up to step t. `decay` falls from 1 to 0 over the run,
/// with s its share that is done: `sigmoid` 1 − σ(coefficient · (s − middle / steps)), `linear` 1 − s, `power` 1 − s^coefficient,
/// `exponential` 1 − coefficient^(steps left), `none` 1.
///
/// Source: NoisyRollout's `ImageAugmenter`.
// Differs from NoisyRollout: where t is 0 the image is as it is; there it still gets the noise of the first step.
package struct NoiseOptions: ComponentOptions, Hashable {
  /// How the noise falls over the run.
  package enum Decay: String, Codable, Sendable, Hashable, CaseIterable {
    /// Slowly, then fast around the middle, then slowly.
    case sigmoid
    /// Evenly.
    case linear
    /// By a power of the share that is done.
    case power
    /// Fast at the end.
    case exponential
    /// Not at all.
    case none
  }

  package var strength = 500
  package var decay = Decay.sigmoid
  package var coefficient = 30.0
  package var middle = 40.0

  /// Those of the paper for its smaller data set.
  package init() {}

  /// The help for each option.
  package static let help = [
    "strength": "how many of the 1,000 steps of a diffusion an image gets at first; NoisyRollout: 500 and 450",
    "decay": "how that falls over the run: sigmoid, linear, power, exponential, or none",
    "coefficient": "sigmoid: the steepness; power: the exponent; exponential: the base",
    "middle": "sigmoid: the step in the middle of the fall; NoisyRollout: 40 of 60 steps",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if let problem = OptionProblem.unless("strength", strength, in: 0...999) { problems.append(problem) }
    if !coefficient.isFinite { problems.append(OptionProblem("coefficient", "is \(coefficient), it must be a number")) }
    if decay == .exponential, !(coefficient > 0 && coefficient < 1) {
      problems.append(OptionProblem("coefficient", "is \(coefficient), as a base it must lie between 0 and 1"))
    }
    return problems
  }

  /// The share of the strength at a step of a run of so many.
  package func share(step: Double, of steps: Double) -> Double {
    switch decay {
    case .sigmoid: 1 - logisticFunction(coefficient * (step / steps - middle / steps))
    case .linear: 1 - step / steps
    case .power: 1 - NoiseMath.power(step / steps, coefficient)
    case .exponential: 1 - NoiseMath.power(coefficient, steps - step)
    case .none: 1
    }
  }

  /// How many steps of the diffusion an image gets.
  package func diffusionSteps(step: Double, of steps: Double) -> Int {
    max(0, min(999, Int((Double(strength) * share(step: step, of: steps)).rounded(.down))))
  }

  /// The share of an image's variance that stays after so many steps.
  package static func signal(after count: Int) -> Double {
    (0...count).reduce(1) { product, step in
      let level = -6 + 12 * Double(step) / 999
      return product * (1 - (logisticFunction(level) * (0.005 - 1e-5) + 1e-5))
    }
  }
}

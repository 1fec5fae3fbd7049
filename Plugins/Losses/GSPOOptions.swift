// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The options of `gspo` and `gspo-token`.
package struct GSPOOptions: ComponentOptions, Hashable {
  package var epsilonLow = 3e-4
  package var epsilonHigh = 4e-4
  package var dualClip = 0.0

  /// The defaults, those of the paper.
  package init() {}

  /// The help for each option.
  package static let help = [
    "epsilon_low": "how far below 1 the response's ratio counts: the geometric mean of its tokens' ratios",
    "epsilon_high": "how far above 1 the response's ratio counts",
    "dual_clip": "the largest ratio that counts if the advantage is negative, more than 1; 0 for no such limit",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    ClippedObjective.problems(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh, dualClip: dualClip)
  }

  var objective: ClippedObjective {
    ClippedObjective(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh, dualClip: dualClip)
  }
}

// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// What a spec can set of `gspo` and `gspo-token`.
public struct GSPOOptions: ComponentOptions, Hashable {
  package var epsilonLow = 3e-4
  package var epsilonHigh = 4e-4
  package var dualClip = 0.0

  /// The defaults, those of the paper.
  public init() {}

  /// What each option means.
  public static let help = [
    "epsilon_low": "how far below 1 the response's ratio counts: the geometric mean of its tokens' ratios",
    "epsilon_high": "how far above 1 the response's ratio counts",
    "dual_clip": "what the ratio counts as at most where the advantage is negative, more than 1; 0 for no such limit",
  ]

  /// What is wrong with the values.
  public func problems() -> [OptionProblem] {
    ClippedObjective.problems(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh, dualClip: dualClip)
  }

  var objective: ClippedObjective {
    ClippedObjective(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh, dualClip: dualClip)
  }
}

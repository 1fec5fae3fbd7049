// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// `max(−A ρ, −A clip(ρ, 1−ε_low, 1+ε_high))`, and for A < 0 at most `−A c`: shared by `clip` and both kinds of GSPO.
///
/// Sources: Schulman et al., "Proximal Policy Optimization Algorithms"; different limits: Yu et al., "DAPO"; c: Ye et al.,
/// "Mastering Complex Control in MOBA Games with Deep Reinforcement Learning" (dual clip).
struct ClippedObjective {
  /// How far below 1 the ratio counts.
  let epsilonLow: Double
  /// How far above 1 the ratio counts.
  let epsilonHigh: Double
  /// The dual clip c; 0 for none.
  let dualClip: Double

  /// A token's loss, its derivative with respect to the log-ratio, and the effect of clipping.
  func evaluate(advantage: Double, ratio: PolicyRatio) -> (loss: Double, slope: Double, clip: TokenLosses.Clip) {
    let clippedRatio = min(max(ratio.value, 1 - epsilonLow), 1 + epsilonHigh)
    let clipped = (-advantage * clippedRatio).bounded
    var result = (
      loss: (-advantage * ratio.value).bounded, slope: (-advantage * ratio.slope).bounded, clip: TokenLosses.Clip.none
    )
    if result.loss < clipped { result = (clipped, 0, .higher) }
    let limit = (-advantage * dualClip).bounded
    if dualClip > 0, advantage < 0, result.loss > limit { result = (limit, 0, .lower) }
    return result
  }

  /// The problems of limits in a spec.
  static func problems(epsilonLow: Double, epsilonHigh: Double, dualClip: Double) -> [OptionProblem] {
    var problems = epsilonProblems(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh)
    if !(dualClip == 0 || (dualClip > 1 && dualClip.isFinite)) {
      problems.append(OptionProblem("dual_clip", "is \(dualClip), it must be more than 1, or 0 for none; 3 is usual"))
    }
    return problems
  }

  /// The problems of the limits of a ratio.
  static func epsilonProblems(epsilonLow: Double, epsilonHigh: Double) -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if let problem = OptionProblem.unless("epsilon_low", epsilonLow, in: 0...1) { problems.append(problem) }
    if !(epsilonHigh >= 0 && epsilonHigh.isFinite) {
      problems.append(OptionProblem("epsilon_high", "is \(epsilonHigh), it must be 0 or more"))
    }
    return problems
  }
}

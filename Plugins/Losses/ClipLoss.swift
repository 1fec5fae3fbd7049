// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// PPO's clipped loss: `max(−A ρ, −A clip(ρ, 1−ε_low, 1+ε_high))` per token, with `ρ = exp(log π_θ − log π_old)`.
///
/// With a dual clip c, tokens with A < 0 lose at most `−A c`. The log-ratio is clamped to ±20; the gradient is 0 where it
/// is clamped and where a limit holds the loss. Shuffle-R1 has 0.2 on both sides, DAPO 0.2 and 0.28.
package struct ClipLoss: PolicyLoss {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "clip", summary: "PPO's clipped loss; the ratio of each token counts within limits",
    elsewhere: ["vanilla", "default", "ppo", "grpo", "dapo", "bnpo", "dr_grpo"],
    papers: [
      Paper("Proximal Policy Optimization Algorithms", arXiv: "1707.06347"),
      Paper("DAPO, for limits that differ", arXiv: "2503.14476"),
      Paper("Mastering Complex Control in MOBA Games, for the dual clip", arXiv: "1912.09729"),
    ])

  /// The options.
  package struct Options: ComponentOptions, Hashable {
    package var epsilonLow = 0.2
    package var epsilonHigh = 0.2
    package var dualClip = 0.0

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = [
      "epsilon_low": "how far below 1 the ratio of new to old probability counts; DAPO and Shuffle-R1: 0.2",
      "epsilon_high": "how far above 1 the ratio counts; Shuffle-R1: 0.2, DAPO: 0.28",
      "dual_clip": "the largest ratio that counts if the advantage is negative, more than 1; 0 for no such limit",
    ]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      ClippedObjective.problems(epsilonLow: epsilonLow, epsilonHigh: epsilonHigh, dualClip: dualClip)
    }
  }

  private let objective: ClippedObjective

  /// Makes the loss.
  package init(options: Options = Options(), assembly: Assembly) {
    objective = ClippedObjective(
      epsilonLow: options.epsilonLow, epsilonHigh: options.epsilonHigh, dualClip: options.dualClip)
  }

  /// The clipped losses, and their gradient.
  package func evaluate(_ tokens: LossTokens) -> TokenLosses {
    var result = TokenLosses(capacity: tokens.count)
    for token in 0..<tokens.count {
      let (loss, slope, clip) = objective.evaluate(
        advantage: tokens.advantages[token], ratio: PolicyRatio(logRatio: tokens.logRatio(token)))
      result.add(loss: loss, gradient: tokens.weights[token] * slope, clip: clip)
    }
    return result
  }
}

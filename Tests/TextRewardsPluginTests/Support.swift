// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import TextRewardsPlugin

/// A trajectory with a response and an answer.
func trajectory(_ response: String, answer: JSONValue = "25", tokens: [Int]? = nil) -> Trajectory {
  var trajectory = Trajectory(id: "t", group: "g", fields: [.response: .string(response), .answer: answer])
  if let tokens { trajectory.set(.tokens, to: .array(tokens.map { .number($0) })) }
  return trajectory
}

/// Options with changes.
func with<Options: ComponentOptions>(_ type: Options.Type, _ change: (inout Options) -> Void) -> Options {
  var options = Options()
  change(&options)
  return options
}

extension RewardOutcome {
  /// The score; nil where there is none.
  var score: Double? { if case .scored(let score, _) = self { score } else { nil } }
}

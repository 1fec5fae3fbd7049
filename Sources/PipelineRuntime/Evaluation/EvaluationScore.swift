// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Which score of a response an evaluation is about.
package enum EvaluationScore: Sendable, Hashable {
  /// `rewards.accuracy` where any response has it, else `reward`.
  case automatic
  /// The weighted sum, `reward`.
  case reward
  /// A part of `rewards`, by its name.
  case part(String)

  /// The part that ``automatic`` looks for.
  package static let usualPart = "accuracy"

  /// A score by its name: `reward`, or that of a part.
  package init(name: String) { self = name == Field.reward.rawValue ? .reward : .part(name) }
}

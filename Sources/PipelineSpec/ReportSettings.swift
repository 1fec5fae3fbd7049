// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How `report` and `view` show a run; nothing that they say changes what the run does.
package struct ReportSettings: ComponentOptions {
  /// The part of the reward that says whether a response is right; empty for `accuracy`, or else the reward.
  package var accuracy = ""
  /// The value of that part from which a response is right.
  package var rightFrom = 0.5
  /// The columns of the table, in order; empty for those that there are values for.
  package var columns: [String] = []
  /// What tokens are coloured by.
  package var tokenColors = TokenColors.logprobs

  /// What is known of a token, and can be shown by its colour.
  package enum TokenColors: String, Codable, Sendable, CaseIterable {
    case logprobs, ratio, reference, entropy, advantages, mask
  }

  /// The defaults.
  package init() {}

  /// One line for each option.
  package static let help = [
    "accuracy":
      "The part of the reward that says whether a response is right; empty for the part 'accuracy', or else the reward",
    "right_from": "A response is right from this value of that part on",
    "columns": "The columns of the table, such as [\"id\", \"question\", \"reward\"]; empty for those with values",
    "token_colors": "What the tokens of a response are coloured by, where the record has it",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    if !rightFrom.isFinite { problems.append(OptionProblem("right_from", "is \(rightFrom), it must be a number")) }
    if columns.contains("") { problems.append(OptionProblem("columns", "has an empty name; leave it out")) }
    return problems
  }
}

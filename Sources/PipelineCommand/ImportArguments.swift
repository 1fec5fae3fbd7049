// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import PipelineCore
import PipelineIO

extension AnswerTurns: ExpressibleByArgument {}

/// How rows of other programs become records, on the command line.
struct ImportArguments: ParsableArguments {
  @Option(
    name: .customLong("map"),
    help: ArgumentHelp(
      "Which column holds what, for rows of no known format: prompt=question,response=output,reward=score. A dot leads "
        + "into objects. Fields: \(Field.mappable.map(\.rawValue).joined(separator: ", ")).",
      valueName: "field=column,…"))
  var columns: String?

  @Option(
    help: ArgumentHelp(
      "The columns that make the reward, with their weights, where rows hold only its parts: accuracy=1,format=0.1.",
      valueName: "column=weight,…"))
  var rewards: String?

  @Option(
    help: ArgumentHelp(
      "The number of rollouts of each group, for files in which groups lie one after the other without a name.",
      valueName: "n"))
  var groupSize: Int?

  @Option(
    help: ArgumentHelp(
      "Which answers of a conversation become responses: those that end it, or every one, as a record each.",
      valueName: "turns"))
  var turns = AnswerTurns.last

  func validate() throws {
    if let groupSize, groupSize < 1 { throw ValidationError("--group-size is \(groupSize), it must be at least 1") }
    _ = try Self.entries(of: columns)
    _ = try weights
  }

  func apply(to options: inout ImportOptions) throws {
    options.columns = try Self.entries(of: columns)
    for (column, weight) in try weights {
      options.rewardColumns.append(column)
      options.rewardWeights[column] = weight
    }
    options.groupSize = groupSize ?? 0
    options.turns = turns
  }

  /// The columns of an argument of `--map`.
  static func entries(of argument: String?) throws -> [ColumnMap.Entry] {
    try pairs(argument, of: "--map", example: "prompt=question").map { name, column in
      let field = Field(name)
      guard Field.mappable.contains(field) else {
        let hint = NearestName.suggestion(for: name, among: Field.mappable.map(\.rawValue))
        throw ValidationError(
          "--map names the field '\(name)'\(hint.map { "; did you mean '\($0)'?" } ?? "."), known fields: "
            + Field.mappable.map(\.rawValue).joined(separator: ", "))
      }
      return ColumnMap.Entry(field, column: column)
    }
  }

  private var weights: [(String, Double)] {
    get throws {
      try (rewards?.split(separator: ",") ?? []).map { part in
        let words = part.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        guard let column = words.first, !column.isEmpty else {
          throw ValidationError("--rewards wants columns, such as accuracy=1,format=0.1")
        }
        guard words.count == 2 else { return (column, 1) }
        guard let weight = Double(words[1]), weight.isFinite else {
          throw ValidationError("--rewards gives '\(column)' the weight '\(words[1])', it must be a number")
        }
        return (column, weight)
      }
    }
  }

  private static func pairs(_ text: String?, of option: String, example: String) throws -> [(String, String)] {
    try (text?.split(separator: ",") ?? []).map { part in
      let words = part.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      guard words.count == 2, !words[0].isEmpty, !words[1].isEmpty else {
        throw ValidationError("\(option) wants pairs such as \(example), found '\(part)'")
      }
      return (words[0], words[1])
    }
  }
}

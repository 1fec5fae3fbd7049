// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineRuntime

/// The first and the last evaluation of a run side by side.
struct EvaluationTable {
  private let evaluations: [RunSummary.Evaluation]

  init(_ evaluations: [RunSummary.Evaluation]) { self.evaluations = evaluations }

  /// A row for the score over all prompts and one for each category.
  var lines: [String] {
    guard let last = evaluations.last else { return [] }
    let first = evaluations.count > 1 ? evaluations[0] : nil
    let scores = last.metrics.filter { last.value($0.name + "_low") != nil && last.value($0.name + "_high") != nil }
    let columns = [first, last].compactMap { $0 }
    let head = columns.map { $0.steps == 0 ? "before" : "after \($0.steps.of("step"))" }
    var rows = [[""] + head]
    for score in scores {
      rows.append([String(score.name.dropFirst(4))] + columns.map { Self.cell(score.name, in: $0) })
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let title = "evaluation" + (last.value("val/questions").map { " on \(Int($0).of("question"))" } ?? "")
    return [title]
      + rows.map { row in
        "  "
          + zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
          .trimmingCharacters(in: .init(charactersIn: " ")).indented(row[0].isEmpty ? widths[0] + 2 : 0)
      }
  }

  private static func cell(_ name: String, in evaluation: RunSummary.Evaluation) -> String {
    func percent(_ name: String) -> String? {
      evaluation.value(name).map { String(format: "%.1f", $0 * 100) }
    }
    guard let value = percent(name), let low = percent(name + "_low"), let high = percent(name + "_high") else {
      return "–"
    }
    return "\(value) % (\(low)–\(high))"
  }
}

extension RunSummary.Evaluation {
  /// The metric of a name.
  fileprivate func value(_ name: String) -> Double? { metrics.first { $0.name == name }?.value }
}

extension String {
  fileprivate func indented(_ width: Int) -> String { String(repeating: " ", count: width) + self }
}

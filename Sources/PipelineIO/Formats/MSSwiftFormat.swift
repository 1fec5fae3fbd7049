// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// ms-swift's `completions.jsonl`: one line for each logged step, whose keys are columns.
///
/// Columns: `step` (digits as strings), `prompt` (rendered text), `completion`, one for each reward function,
/// `advantages` ↔ `advantage`, then others (`solution` ↔ `answer`; `num_turns`, `entropy`, …). Parts, totals, groups
/// and null are handled as in ``TRLFormat``.
///
/// Source: ms-swift 4.6.0, `swift/rlhf_trainers/grpo_trainer.py` (`log`, `_log_rollout`).
package struct MSSwiftFormat: ColumnarFormat {
  /// `ms-swift`.
  package let name = "ms-swift"
  /// The summary that `convert` shows.
  package let summary = "ms-swift's completions.jsonl, a line of columns for each step"

  /// The format.
  package init() {}

  let columns = ["step", "prompt", "completion"]
  let stepColumn = "step"
  let pivotColumn = "advantages"
  var unknownKeys: UnknownKeys {
    .pass(except: ["step", "prompt", "completion", "advantages", "reward", "solution"])
  }

  /// `likely` when every line has lists of texts as `prompt` and `completion`, and lists `step` or `advantages`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    guard sample.allSatisfy(Columns.areLists) else { return .no }
    return likeness(of: sample, needs: []) {
      $0["advantages"]?.arrayValue != nil || $0["step"]?.arrayValue != nil
    }
  }

  func rows(of line: Cell, at location: SourceLocation) throws -> [PeerRow] {
    try ColumnarLine.rows(of: line, lead: "completion", format: name, at: location)
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    record.set(.step, try row.takeInteger("step"))
    return try Columns.read(&row, into: &record, pivot: pivotColumn, format: name, options: options)
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.write("step", record.take(.step)?.scalarText.map(JSONValue.string) ?? .null)
    record.write("prompt", record.takePromptText())
    record.write("completion", Completion.write(&record, isChat: false))
    Columns.writeScores(of: &record, pivot: pivotColumn)
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// ROLL's rollout dumps (`rollout_dump_dir`): one line for each step, whose keys are columns.
///
/// `global_step` ↔ `step`, `prompt` (or, without one, `messages`, a string of JSON) ↔ `prompt`, `responses` ↔
/// `response`, `scores` ↔ `reward`, `ground_truth` ↔ `answer`. `id` is the row of the data set: with the step
/// it is the group, and it stays as `extra.id`. `source`, `difficulty`, `tag`, `domain`, `case_type`,
/// `test_cases`, `sampling_params` and others pass through. Null is an empty cell.
///
/// Source: ROLL's rollout dump (`dump_rollout_to_specific_path` and its list of columns), 2025.
package struct ROLLFormat: ColumnarFormat {
  /// `roll`.
  package let name = "roll"
  /// The summary that `convert` shows.
  package let summary = "ROLL's rollout dumps, a line of columns for each step"

  /// The format.
  package init() {}

  let columns = ["global_step"]
  let stepColumn = "global_step"
  let pivotColumn = "responses"
  var unknownKeys: UnknownKeys {
    .pass(except: ["global_step", "prompt", "responses", "scores", "ground_truth"])
  }

  /// `likely` when every line has lists `responses` and `scores`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["responses", "scores"]) {
      $0["responses"]?.arrayValue != nil && $0["scores"]?.arrayValue != nil
    }
  }

  func rows(of line: Cell, at location: SourceLocation) throws -> [PeerRow] {
    try ColumnarLine.rows(of: line, lead: "responses", format: name, at: location)
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    record.set(.step, try row.takeInteger("global_step"))
    let prompt = try row.take("prompt") ?? parsed("messages", &row)
    try record.setPrompt(prompt, key: "prompt", row: row, options: options)
    record.set(.response, try row.passString("responses"))
    record.set(.reward, try row.passNumber("scores"))
    record.set(.answer, row.pass("ground_truth"))
    guard let id = row.peek("id"), id != .null else { return .samePrompt(prompt.map { Cell($0) }, step: record.step) }
    guard let text = id.scalarText else { throw row.wrongKind("id", id, "a string") }
    return .named(record.step.map { "\($0)-\(text)" } ?? text)
  }

  private func parsed(_ key: String, _ row: inout PeerRow) throws -> JSONValue? {
    guard let value = row.take(key) else { return nil }
    guard let text = value.stringValue else { return value }
    guard let messages = try? JSONValue(parsing: text), messages.arrayValue != nil else {
      throw row.fault(key, "must be a list of messages, or one as a string of JSON")
    }
    return messages
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.write("global_step", record.take(.step) ?? .null)
    let group = record.takeIdentity()
    if let id = record.peek(.extra)?["id"] {
      record.write("id", id)
      record.markExtraWritten("id")
    } else {
      record.write("id", .string(group))
    }
    if record.hasChatPrompt, let prompt = record.take(.prompt) {
      record.write("messages", .string(prompt.json))
    } else {
      record.write("prompt", record.take(.prompt) ?? .null)
    }
    record.write("responses", record.take(.response) ?? .null)
    record.write("scores", record.take(.reward) ?? .null)
    record.write("ground_truth", record.take(.answer) ?? .null)
    for part in record.takeParts() { record.lose("rewards.\(part.key)", "ROLL keeps the total only") }
  }
}

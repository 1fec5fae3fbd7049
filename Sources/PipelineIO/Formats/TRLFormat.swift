// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// TRL's completion logs (`log_completions`), saved as parquet and converted to lines by an example script.
///
/// A row a rollout: `step`, `prompt` and `completion` (both text, or both messages whose images are bare
/// `{"type": "image"}`), a number for each reward function ↔ `rewards`, `advantage`. A row has no total
/// and no group: `reward` is the sum of the parts (by ``ImportOptions/rewardWeights``, 1 in TRL unless set),
/// and rows of one file and step with the same prompt are a group. Of the columns before `advantage` numbers are
/// parts where ``RewardColumns`` takes them for such; columns behind it pass through, where
/// `solution` ↔ `answer`, and `reward` is the total, which we always write: null there is no reward.
/// Null is an empty cell.
///
/// Source: TRL 1.16.0, `trl/trainer/grpo_trainer.py` (`log`), `trl/trainer/utils.py`
/// (`strip_images_from_messages`).
package struct TRLFormat: RowFormat {
  /// `trl`.
  package let name = "trl"
  /// The summary that `convert` shows.
  package let summary = "TRL's completion logs, a line for each row of its parquet files"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys {
    .pass(except: ["step", "prompt", "completion", "advantage", "reward", "solution"])
  }

  /// `likely` when every line has `prompt`, `completion` and a number as `advantage` (or an empty cell).
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    if sample.contains(where: { Columns.areLists(in: $0) }) { return .no }
    return likeness(of: sample, needs: ["prompt", "completion"]) {
      $0["advantage"].map { $0 == .null || $0.doubleValue != nil } ?? false && $0["step"] != nil
    }
  }

  func rows(of line: Cell, at location: SourceLocation) throws -> [PeerRow] {
    [try PeerRow(line, what: "the line", at: location, nulls: .areEmptyCells)]
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    record.set(.step, try row.takeInteger("step"))
    return try Columns.read(&row, into: &record, pivot: "advantage", format: name, options: options)
  }

  func write(_ record: inout OutgoingRecord) throws {
    record.writeIfAny("step", record.take(.step))
    let isChat = record.hasChatPrompt
    let prompt = ChatMessages.withoutImages(record.take(.prompt) ?? .null)
    record.lose("prompt.image", "TRL logs images without their addresses", count: prompt.lost)
    record.write("prompt", prompt.messages)
    let completion = ChatMessages.withoutImages(Completion.write(&record, isChat: isChat))
    record.lose("completion.image", "TRL logs images without their addresses", count: completion.lost)
    record.write("completion", completion.messages)
    Columns.writeScores(of: &record, pivot: "advantage")
  }
}

/// What TRL's rows and ms-swift's columns have in common.
enum Columns {
  /// Whether a line's prompts and completions are lists of texts, as in a table.
  static func areLists(in line: JSONValue) -> Bool {
    guard let completions = line["completion"]?.arrayValue, line["prompt"]?.arrayValue != nil else {
      return false
    }
    return completions.first?.objectValue == nil
  }

  /// Reads everything but the step.
  static func read(
    _ row: inout PeerRow, into record: inout RecordBuilder, pivot: String, format: String,
    options: ImportOptions
  ) throws -> GroupIdentity {
    for key in ["prompt", "completion"] where !row.has(key) { throw row.missing(key, in: format) }
    let prompt = row.take("prompt")
    let isChat = try record.setPrompt(prompt, key: "prompt", row: row, options: options)
    try Completion.read(row.take("completion"), key: "completion", isChat: isChat, row: row, into: &record)
    record.set(.advantage, try row.passNumber(pivot))
    let end = row.position(of: pivot)
    let isReward = RewardColumns.choice(
      among: row.members[..<(end ?? row.members.count)].filter { $0.value.doubleValue != nil }.map(\.key), options)
    if let total = row.position(of: "reward"), total > end ?? .max {
      record.set(.reward, try row.passNumber("reward"))
      record.addParts(row.takeParts(in: 0..<(end ?? .max), where: isReward))
    } else {
      record.addParts(row.takeParts(in: 0..<(end ?? .max), mayBeNamed: ["reward"], where: isReward))
      record.sumParts(weights: options.rewardWeights)
    }
    record.set(.answer, row.pass("solution"))
    return .samePrompt(prompt.map { Cell($0) }, step: record.step)
  }

  /// Writes parts, advantage, total and answer.
  static func writeScores(of record: inout OutgoingRecord, pivot: String) {
    let parts = record.takeParts()
    record.writeParts(parts)
    record.write(pivot, record.take(.advantage) ?? .null)
    let reward = record.take(.reward) ?? .null
    if !record.write("reward", reward) {
      let numbers = parts.filter { $0.value.doubleValue != nil }
      if reward.doubleValue != RecordBuilder.sum(of: numbers, weights: [:])?.doubleValue {
        record.lose("reward", "a part of the reward has this name")
      }
    }
    record.writeIfAny("solution", record.take(.answer))
    if record.takeIdentity() != "" {
      record.lose(
        "group", "\(record.target) has no groups: the next import groups rows of a step by their prompt")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The `results.jsonl` of evaluations with verifiers.
///
/// One rollout per line: `example_id` (formerly `id`) ↔ `group`, `prompt`, `completion` (messages, or text), `answer`,
/// `reward`, `metrics` ↔ `rewards` (its copies next to it are removed and restored; older files have only the copies),
/// `is_truncated` ↔ `finish`. A rollout with an `error` and reward 0 has no reward but the status `failed`. `info`,
/// `task`, `timing`, `error`, `is_completed`, `stop_condition`, … pass through. The `traces.jsonl` of verifiers 0.4 is
/// another format, which is not supported.
///
/// Source: verifiers 0.1.14, `verifiers/utils/save_utils.py` (`state_to_output`), `verifiers/types.py`
/// (`RolloutOutput`); 0.1.5, `verifiers/scripts/eval.py`.
package struct VerifiersFormat: RowFormat {
  /// `verifiers`.
  package let name = "verifiers"
  /// The summary that `convert` shows.
  package let summary = "The results.jsonl of evaluations with verifiers"

  /// The format.
  package init() {}

  private static let notMetrics: Set<String> = ["generation_ms", "scoring_ms", "total_ms"]

  var unknownKeys: UnknownKeys {
    .pass(except: ["example_id", "id", "prompt", "completion", "answer", "reward", "metrics", "is_truncated"])
  }

  /// `likely` when every line has `prompt`, `completion`, `reward` and `example_id`, or `id` and timings.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    if sample.contains(where: { Columns.areLists(in: $0) || $0["advantage"] != nil }) { return .no }
    return likeness(of: sample, needs: ["prompt", "completion", "reward"]) {
      $0["example_id"] != nil || ($0["id"] != nil && ($0["task"] != nil || $0["generation_ms"] != nil))
    }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    for key in ["prompt", "completion"] where !row.has(key) { throw row.missing(key, in: name) }
    let prompt = row.take("prompt")
    let isChat = try record.setPrompt(prompt, key: "prompt", row: row, options: options)
    try Completion.read(row.take("completion"), key: "completion", isChat: isChat, row: row, into: &record)
    record.set(.answer, row.pass("answer"))
    try readScores(&row, into: &record)
    let isTruncated = try row.takeBool("is_truncated")
    if isTruncated == true {
      record.set(.finish, "length")
    } else if isTruncated == false, row.peek("is_completed") != false {
      record.set(.finish, "stop")
    }
    guard let example = row.take(firstOf: ["example_id", "id"]) else {
      return .samePrompt(prompt.map { Cell($0) }, step: nil)
    }
    guard let group = example.scalarText else {
      throw row.wrongKind("example_id", example, "a number or a string")
    }
    return .named(group)
  }

  private func readScores(_ row: inout PeerRow, into record: inout RecordBuilder) throws {
    let reward = try row.takeNumber("reward")
    if let error = row.peek("error"), error != .null, reward?.doubleValue ?? 0 == 0 {
      record.set(.rewardStatus, .string(RewardStatus.failed.rawValue))
    } else {
      record.set(.reward, reward)
    }
    if let metrics = try row.takeObject("metrics") {
      let values = metrics.filter { $0.value != .null }
      for metric in values where metric.value.doubleValue == nil {
        throw row.wrongKind("metrics.\(metric.key)", metric.value, "a number")
      }
      for metric in metrics where row.peek(metric.key) == metric.value { _ = row.take(metric.key) }
      record.addParts(values)
    } else {
      record.addParts(row.takeParts(except: Self.notMetrics.union(["example_id"])))
    }
  }

  func write(_ record: inout OutgoingRecord) throws {
    let group = record.takeIdentity()
    record.write("example_id", Int(group).map(JSONValue.number) ?? .string(group))
    let isChat = record.hasChatPrompt
    record.write("prompt", ChatMessages.openAI(record.take(.prompt) ?? .null))
    record.write("completion", ChatMessages.openAI(Completion.write(&record, isChat: isChat)))
    record.writeIfAny("answer", record.take(.answer))
    let finish = record.take(.finish)?.stringValue
    if let finish, finish != "stop", finish != "length" {
      record.lose("finish", "verifiers knows truncated or not, but not '\(finish)'")
    }
    let failed = record.peek(.rewardStatus)?.stringValue == RewardStatus.failed.rawValue
    if failed, record.row.peek("error") != nil { _ = record.take(.rewardStatus) }
    record.write("reward", record.take(.reward) ?? (failed ? .number("0.0") : .null))
    if !record.row.has("is_completed") { record.write("is_completed", true) }
    record.write("is_truncated", .bool(finish == "length"))
    let parts = record.takeParts()
    record.write("metrics", .object(parts))
    record.writeParts(parts)
  }
}

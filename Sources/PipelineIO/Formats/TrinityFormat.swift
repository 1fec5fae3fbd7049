// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Trinity-RFT's experiences as its file storage writes them.
///
/// A line an experience: `eid.batch` and `eid.task` name the group (`BATCH/TASK`) and `eid` stays, `eid.batch`
/// ↔ `step` where it is a number, `prompt_text` and `response_text`, or `messages` whose part before the first
/// assistant's message is the prompt, `reward`, `metrics` pass through, `truncate_status` ↔ `finish`
/// (`response_truncated` is `length`; others pass through). `type`, `prompt_length`, `response_length`, `info`,
/// `tools` pass through. Tokens are not in these files. Pairs for DPO are no rollouts and are refused.
///
/// Source: Trinity-RFT 0.6.0, `trinity/common/experience.py` (`Experience.to_dict`, `EID`),
/// `trinity/buffer/storage/file.py`.
package struct TrinityFormat: RowFormat {
  /// `trinity`.
  package let name = "trinity"
  /// The summary that `convert` shows.
  package let summary = "Trinity-RFT's experiences, a line each"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys {
    .pass(except: ["eid", "prompt_text", "response_text", "messages", "reward"])
  }

  /// `likely` when every line has an object `eid` and a `prompt_length`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["eid"]) { $0["eid"]?.objectValue != nil && $0["prompt_length"] != nil }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    guard let eid = row.peek("eid") else { throw row.missing("eid", in: name) }
    guard eid.objectValue != nil else { throw row.wrongKind("eid", eid, "an object") }
    if row.peek("type") == "dpo" { throw row.fault("type", "is \"dpo\": a pair of answers is no rollout") }
    let batch = eid["batch"]
    record.set(.step, batch?.intValue.map { .number($0) })
    let promptText = try row.takeString("prompt_text")
    let responseText = try row.takeString("response_text")
    let prompt: JSONValue?
    if let messages = try row.takeArray("messages") {
      let list = try ChatMessages.imported(messages, key: "messages", row: row).arrayValue ?? []
      let (before, after) = Completion.splitAtFirstAnswer(list)
      prompt = .array(before)
      record.set(.prompt, prompt)
      if let promptText { record.adopt(.init("prompt_text", promptText)) }
      if after.isEmpty {
        record.set(.response, responseText)
      } else if responseText == nil || after.count == 1 && responseText == after[0]["content"] {
        try Completion.read(.array(after), key: "messages", isChat: true, row: row, into: &record)
      } else {
        record.set(.response, responseText)
        record.isConversation = after.count > 1
        record.adopt(.init(Completion.key, .array(after)))
      }
    } else {
      prompt = promptText
      try record.setPrompt(promptText, key: "prompt_text", row: row, options: options)
      record.set(.response, responseText)
    }
    record.set(.reward, try row.passNumber("reward"))
    if row.peek("truncate_status") == "response_truncated" {
      _ = row.take("truncate_status")
      record.set(.finish, "length")
    }
    guard let task = eid["task"]?.scalarText, !task.isEmpty else {
      return .samePrompt(prompt.map { Cell($0) }, step: record.step)
    }
    return .named([batch?.scalarText, task].compactMap { $0 }.joined(separator: "/"))
  }

  func write(_ record: inout OutgoingRecord) throws {
    let step = record.take(.step)
    let group = record.takeIdentity()
    if let eid = record.take("eid") {
      record.write("eid", eid)
    } else {
      record.write("eid", ["batch": step ?? "", "task": .string(group), "run": 0, "step": 0, "suffix": ""])
    }
    if record.hasChatPrompt {
      let response = record.peek(.response)
      let prompt = record.take(.prompt)?.arrayValue ?? []
      let completion = Completion.write(&record, isChat: true).arrayValue ?? []
      record.write("messages", ChatMessages.openAI(.array(prompt + completion)))
      record.writeIfAny("prompt_text", record.take("prompt_text"))
      record.writeIfAny("response_text", response)
    } else {
      record.writeIfAny("prompt_text", record.take(.prompt))
      record.writeIfAny("response_text", record.take(.response))
    }
    record.writeIfAny("reward", record.take(.reward))
    let finish = record.take(.finish)?.stringValue
    if finish == "length" {
      record.write("truncate_status", "response_truncated")
    } else if let finish {
      record.lose("finish", "Trinity knows truncation only, not '\(finish)'")
    }
    for part in record.takeParts() { record.lose("rewards.\(part.key)", "Trinity keeps the total only") }
  }
}

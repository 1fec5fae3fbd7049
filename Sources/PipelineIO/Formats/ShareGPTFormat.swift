// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Conversations as ShareGPT has them, which LLaVA, LLaMA-Factory, Axolotl and others read.
///
/// `conversations` holds turns with `from` (`human`, `gpt`, `system`, `function_call`, `observation`) and `value`; `system`
/// may stand beside it, and pictures in `image` or `images`, with `<image>` in a turn's text. The turns of the assistant that end a
/// conversation are the answer; every row is a group of its own.
///
/// Source: LLaMA-Factory, `data/README.md`; LLaVA, `docs/Finetune_Custom_Data.md`, 2025.
package struct ShareGPTFormat: RowFormat {
  /// `sharegpt`.
  package let name = "sharegpt"
  /// What `convert` lists it with.
  package let summary = "ShareGPT's conversations of turns with from and value, as LLaVA has them"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys { .pass(except: ["conversations", "system"]) }

  /// `likely` when every line has `conversations` of turns with `from` and `value`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["conversations"]) {
      $0["conversations"]?.arrayValue?.allSatisfy { $0["from"] != nil && $0["value"] != nil } ?? false
    }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws -> GroupIdentity {
    guard let turns = row.take("conversations") else { throw row.missing("conversations", in: name) }
    var all = try ChatMessages.imported(turns, key: "conversations", row: row).arrayValue ?? []
    if let system = try row.takeString("system"), system != "", all.first?["role"] != "system" {
      all.insert(ChatMessages.message(role: "system", system), at: 0)
    }
    let (prompt, completion) = Completion.split(all)
    record.set(.prompt, .array(prompt))
    record.set(.answer, row.take(firstOf: ["answer", "solution"]))
    if !completion.isEmpty {
      try Completion.read(.array(completion), key: "conversations", isChat: true, row: row, into: &record)
    }
    return .ownRow
  }

  func write(_ record: inout OutgoingRecord) throws {
    var messages = record.peek(.prompt)?.arrayValue ?? []
    if let text = record.take(.prompt), text.stringValue != nil {
      messages = [ChatMessages.message(role: "user", text)]
    }
    messages += Completion.write(&record, isChat: true).arrayValue ?? []
    var (plain, images, omissions) = PromptImages.extract(messages)
    record.lose("prompt.content", "turns are texts, with images beside them", count: omissions)
    if plain.first?["role"] == "system" { record.write("system", plain.removeFirst()["content"] ?? "") }
    let turns = plain.map { message -> JSONValue in
      ["from": .string(Self.speaker(message["role"]?.stringValue ?? "")), "value": message["content"] ?? ""]
    }
    record.write("conversations", .array(turns))
    if !images.isEmpty { record.write("images", .array(images)) }
    if record.takeIdentity() != "" { record.lose("group", "ShareGPT's rows have no groups") }
  }

  /// The role of a turn's speaker.
  static func role(_ speaker: String) -> String {
    switch speaker {
    case "human", "user": "user"
    case "gpt", "chatgpt", "bot", "model", "assistant", "function_call": "assistant"
    case "observation", "tool", "function": "tool"
    default: speaker
    }
  }

  private static func speaker(_ role: String) -> String {
    switch role {
    case "user": "human"
    case "assistant": "gpt"
    case "tool": "observation"
    default: role
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Alpaca's rows for supervised fine-tuning, as LLaMA-Factory and others read them.
///
/// `instruction`, and below it `input` where it is not empty, ↔ the user's message; `output` ↔ `response`; `system` and
/// `history`, pairs of earlier turns, come before. Every row is a group of its own.
///
/// Source: Stanford Alpaca, `alpaca_data.json`; LLaMA-Factory, `data/README.md`, 2025.
package struct AlpacaFormat: RowFormat {
  /// `alpaca`.
  package let name = "alpaca"
  /// What `convert` lists it with.
  package let summary = "Alpaca's rows: an instruction, perhaps an input, and the output"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys { .pass(except: ["instruction", "input", "output", "system", "history"]) }

  /// `likely` when every line has texts `instruction` and `output`.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    likeness(of: sample, needs: ["instruction", "output"]) {
      $0["instruction"]?.stringValue != nil && $0["output"]?.stringValue != nil && $0["score"] == nil
    }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws -> GroupIdentity {
    guard let instruction = try row.takeString("instruction")?.stringValue else {
      throw row.missing("instruction", in: name)
    }
    var messages: [JSONValue] = []
    if let system = try row.takeString("system"), system != "" {
      messages.append(ChatMessages.message(role: "system", system))
    }
    for (index, turn) in (try row.takeArray("history")?.arrayValue ?? []).enumerated() {
      guard let pair = turn.arrayValue, pair.count == 2, pair.allSatisfy({ $0.stringValue != nil }) else {
        throw row.fault("history.\(index)", "must be a pair of texts: what was asked, and what was answered")
      }
      messages.append(ChatMessages.message(role: "user", pair[0]))
      messages.append(ChatMessages.message(role: "assistant", pair[1]))
    }
    let input = try row.takeString("input")?.stringValue ?? ""
    let question = input.isEmpty ? instruction : instruction.isEmpty ? input : instruction + "\n" + input
    messages.append(ChatMessages.message(role: "user", .string(question)))
    record.set(.prompt, .array(messages))
    record.set(.response, try row.passString("output"))
    return .ownRow
  }

  func write(_ record: inout OutgoingRecord) throws {
    var messages = record.peek(.prompt)?.arrayValue ?? []
    if let text = record.take(.prompt), text.stringValue != nil {
      messages = [ChatMessages.message(role: "user", text)]
    }
    func words(_ message: JSONValue?) -> JSONValue { .string(message?["content"]?.stringValue ?? "") }
    var (plain, images, omissions) = PromptImages.extract(messages)
    record.lose("prompt.content", "alpaca's rows are texts, with images beside them", count: omissions)
    if plain.first?["role"] == "system" { record.write("system", words(plain.removeFirst())) }
    let question = plain.popLast()
    let pairs = stride(from: 0, to: plain.count - 1, by: 2).map { index -> JSONValue in
      [words(plain[index]), words(plain[index + 1])]
    }
    if plain.count % 2 == 1 { record.lose("prompt", "alpaca's history is pairs of question and answer") }
    record.write("instruction", words(question))
    record.write("input", "")
    record.write("output", record.take(.response) ?? .null)
    if !pairs.isEmpty { record.write("history", .array(pairs)) }
    if !images.isEmpty { record.write("images", .array(images)) }
    if record.takeIdentity() != "" { record.lose("group", "alpaca's rows have no groups") }
  }
}

// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Conversations in the format of OpenAI's chat interface, with images as `image_url` parts.
///
/// A line contains `messages`, and the answers either as its last assistant messages or as `choices` (`index`,
/// `message`, `finish_reason`, `logprobs`), each of which becomes a record. Lines of one file with the same prompt form
/// a group. A prompt without an answer becomes a record without a response. Log-probabilities stay as `extra.logprobs`,
/// since there are no token ids. Written lines have only `messages`, `tools` and `parallel_tool_calls`, since consumers
/// refuse other keys.
///
/// Source: OpenAI's API reference, chat completions and the chat format of training files, 2025.
package struct OpenAIChatFormat: RowFormat {
  /// `openai-chat`.
  package let name = "openai-chat"
  /// The summary that `convert` shows.
  package let summary = "Conversations in OpenAI's chat format, with image parts and choices"

  /// The format.
  package init() {}

  var unknownKeys: UnknownKeys { .drop }

  /// `likely` when every line has `messages`, each with a role.
  package func likeness(of sample: [JSONValue]) -> FormatLikeness {
    if sample.contains(where: {
      $0["eid"] != nil || $0["responses"] != nil || $0["id"] != nil && $0["group"] != nil
    }) {
      return .no
    }
    return likeness(of: sample, needs: ["messages"]) {
      $0["messages"]?.arrayValue?.allSatisfy { $0["role"] != nil } ?? false
    }
  }

  func rows(of line: Cell, at location: SourceLocation) throws -> [PeerRow] {
    let row = try PeerRow(line, what: "the line", at: location)
    guard let choices = row.peek("choices"), choices != .null else { return [row] }
    guard let list = choices.arrayValue else { throw row.wrongKind("choices", choices, "a list") }
    let shared = row.members.filter { $0.key != "choices" }.map { JSONValue.Member($0.key, $0.value) }
    return try list.enumerated().map { index, choice in
      guard choice.objectValue != nil else { throw row.wrongKind("choices.\(index)", choice, "an object") }
      return try PeerRow(.object(shared + [.init("choices", choice)]), what: "the line", at: location)
    }
  }

  func read(_ row: inout PeerRow, into record: inout RecordBuilder, options: ImportOptions) throws
    -> GroupIdentity
  {
    guard let messages = row.take("messages") else { throw row.missing("messages", in: name) }
    let all = try ChatMessages.imported(messages, key: "messages", row: row).arrayValue ?? []
    var (prompt, completion) = (all, [JSONValue]())
    if let choice = row.take("choices") {
      var choice = try PeerRow(choice, what: "a choice", at: row.location)
      guard let message = choice.take("message") else { throw choice.missing("message", in: "'choices'") }
      completion = try ChatMessages.imported([message], key: "message", row: choice).arrayValue ?? []
      record.set(.finish, try choice.passString("finish_reason"))
      _ = choice.take("index")
      for member in choice.leftovers where member.value != .null { record.adopt(member) }
    } else {
      (prompt, completion) = Completion.split(all)
    }
    let promptValue = JSONValue.array(prompt)
    record.set(.prompt, promptValue)
    record.set(.answer, row.take(firstOf: ["answer", "solution"]))
    if !completion.isEmpty {
      try Completion.read(.array(completion), key: "messages", isChat: true, row: row, into: &record)
    }
    return .samePrompt(Cell(promptValue), step: nil)
  }

  func write(_ record: inout OutgoingRecord) throws {
    var messages: [JSONValue] = []
    switch record.take(.prompt) {
    case .array(let prompt)?: messages = prompt
    case let prompt? where prompt.stringValue != nil:
      messages = [ChatMessages.message(role: "user", prompt)]
      if prompt.stringValue?.contains("<|im_start|>") == true {
        record.lose("prompt", "it is rendered text: it became one user's message, template and all")
      }
    default: break
    }
    let completion = Completion.write(&record, isChat: true)
    if let more = completion.arrayValue {
      messages += more
    } else if completion.stringValue != nil {
      messages.append(ChatMessages.message(role: "assistant", completion))
    }
    record.write("messages", ChatMessages.openAI(.array(messages)))
    for key in ["tools", "parallel_tool_calls"] { record.writeIfAny(key, record.take(key)) }
    if record.takeIdentity() != "" {
      record.lose("group", "OpenAI's format has no groups: the next import groups lines by their prompt")
    }
    for part in record.takeParts() { record.lose("rewards.\(part.key)", "openai-chat has no place for it") }
  }
}

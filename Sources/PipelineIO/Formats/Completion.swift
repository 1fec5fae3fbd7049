// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A model's answer, which other programs store as text or as messages, and we as the text `response`.
///
/// For a completion of several messages, or with tool calls, the response is the text of the last assistant message;
/// the messages themselves stay in the record under the unknown key `completion`.
enum Completion {
  /// The unknown key that stores messages which a response cannot hold.
  static let key = "completion"

  /// Moves a completion into a record.
  ///
  /// - Parameter isChat: Whether the prompt is a list of messages; a text completion of a chat prompt, and the reverse,
  ///   is kept unchanged in addition to the response.
  static func read(
    _ value: JSONValue?, key: String, isChat: Bool, row: PeerRow, into record: inout RecordBuilder
  ) throws {
    switch value {
    case nil, .null?: return
    case .string?:
      record.set(.response, value)
      if isChat, let value { record.adopt(.init(Self.key, value)) }
    case let value?:
      let messages = try ChatMessages.imported(value, key: key, row: row)
      let list = messages.arrayValue ?? []
      if list.count == 1, ChatMessages.isPlainAnswer(list[0]) {
        record.set(.response, list[0]["content"])
        if isChat { return }
      } else {
        let last = list.last { $0["role"] == "assistant" }
        record.set(.response, last.flatMap(ChatMessages.text).map(JSONValue.string))
        record.isConversation = !list.isEmpty
      }
      record.adopt(.init(Self.key, messages))
    }
  }

  /// The completion of a record: the stored messages, or the response in the prompt's form.
  static func write(_ record: inout OutgoingRecord, isChat: Bool) -> JSONValue {
    let kept = record.take(Self.key)
    let response = record.take(.response)
    if let kept { return kept }
    guard let response else { return .null }
    return isChat ? [ChatMessages.message(role: "assistant", response)] : response
  }

  /// Splits what an agent did from what it was asked: before its first message.
  static func splitAtFirstAnswer(_ messages: [JSONValue]) -> (prompt: [JSONValue], completion: [JSONValue]) {
    let first = messages.firstIndex { $0["role"] == "assistant" } ?? messages.endIndex
    return (Array(messages[..<first]), Array(messages[first...]))
  }

  /// Splits a conversation before the assistant's messages that end it; earlier ones belong to the prompt.
  static func split(_ messages: [JSONValue]) -> (prompt: [JSONValue], completion: [JSONValue]) {
    let before = messages.lastIndex { $0["role"] != "assistant" } ?? -1
    return (Array(messages[...before]), Array(messages[(before + 1)...]))
  }
}

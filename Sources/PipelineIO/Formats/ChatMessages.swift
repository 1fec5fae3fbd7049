// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Chat messages between our form of image parts and that of OpenAI, which many peers write; see ``ChatImage``.
enum ChatMessages {
  /// Checks messages and converts their image parts to our form.
  ///
  /// Other keys of a message (`tool_calls`, `name`, …) and other parts stay as they are.
  ///
  /// - Throws: When a message is not an object or has no role, or an image part has no address.
  static func imported(_ value: JSONValue, key: String, row: PeerRow) throws -> JSONValue {
    guard let messages = value.arrayValue else { throw row.wrongKind(key, value, "a list of messages") }
    return .array(
      try messages.enumerated().map { index, message in
        let path = "\(key).\(index)"
        guard message.objectValue != nil else { throw row.wrongKind(path, message, "an object") }
        let message = renamed(message)
        let members = message.objectValue ?? []
        guard message["role"]?.stringValue != nil else { throw row.fault("\(path).role", "must be a string") }
        return .object(
          try members.map { member in
            guard member.key == "content" else { return member }
            return .init("content", try importedContent(member.value, key: "\(path).content", row: row))
          })
      })
  }

  /// A turn of ShareGPT's, with `from` and `value`, as a message; others stay as they are.
  private static func renamed(_ message: JSONValue) -> JSONValue {
    guard message["role"] == nil, let speaker = message["from"]?.stringValue, let members = message.objectValue,
      message["value"] != nil
    else { return message }
    return .object(
      members.map { member in
        switch member.key {
        case "from": .init("role", .string(ShareGPTFormat.role(speaker)))
        case "value": .init("content", member.value)
        default: member
        }
      })
  }

  private static func importedContent(_ content: JSONValue, key: String, row: PeerRow) throws -> JSONValue {
    switch content {
    case .string, .null: return content
    case .array(let parts):
      return .array(
        try parts.enumerated().map { index, part in
          guard part.objectValue != nil else { throw row.wrongKind("\(key).\(index)", part, "an object") }
          guard part["type"] == "image_url" else { return part }
          guard let image = ChatImage(part: part), !image.address.isEmpty else {
            throw row.fault("\(key).\(index).image_url", "must be an address or hold one as 'url'")
          }
          return image.json
        })
    default: throw row.wrongKind(key, content, "a string, a list of parts or null")
    }
  }

  /// Converts image parts to the OpenAI form; an image part without an address is not changed.
  static func openAI(_ messages: JSONValue) -> JSONValue {
    mapParts(messages) { part in
      guard part["type"] == "image", let image = ChatImage(part: part), !image.address.isEmpty else { return part }
      return image.openAI
    }
  }

  /// Reduces every image part to its type, and returns how many lost an address.
  static func withoutImages(_ messages: JSONValue) -> (messages: JSONValue, lost: Int) {
    var lost = 0
    let stripped = mapParts(messages) { part in
      guard let image = ChatImage(part: part) else { return part }
      if !image.address.isEmpty { lost += 1 }
      return ["type": "image"]
    }
    return (stripped, lost)
  }

  private static func mapParts(_ messages: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
    guard let list = messages.arrayValue else { return messages }
    return .array(
      list.map { message in
        guard let members = message.objectValue else { return message }
        return .object(
          members.map { member in
            guard member.key == "content", let parts = member.value.arrayValue else { return member }
            return .init("content", .array(parts.map(change)))
          })
      })
  }

  /// A message's text: its content, or its text parts joined; nil if it has none.
  static func text(of message: JSONValue) -> String? { ChatMessage.text(ofContent: message["content"]) }

  /// Whether a message is an assistant's plain text and nothing else.
  static func isPlainAnswer(_ message: JSONValue) -> Bool {
    guard let members = message.objectValue, members.count == 2 else { return false }
    return message["role"] == "assistant" && message["content"]?.stringValue != nil
  }

  /// A message of plain text.
  static func message(role: String, _ text: JSONValue) -> JSONValue {
    ["role": .string(role), "content": text]
  }
}

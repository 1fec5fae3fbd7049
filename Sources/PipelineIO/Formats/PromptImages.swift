// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Prompts of data sets, which have `<image>` in the text and the images in a separate list.
enum PromptImages {
  private static let mark = "<image>"

  /// The addresses in a data set's list: strings, or objects with a `path`, `image`, `url` or `bytes` that is a string.
  ///
  /// - Throws: When an entry has no address; JSON cannot hold raw bytes.
  static func addresses(_ value: JSONValue?, key: String, row: PeerRow) throws -> [JSONValue] {
    guard let value, value != .null else { return [] }
    guard let entries = value.arrayValue else { return [try address(value, key: key, row: row)] }
    return try entries.enumerated().map { try address($1, key: "\(key).\($0)", row: row) }
  }

  private static func address(_ entry: JSONValue, key: String, row: PeerRow) throws -> JSONValue {
    if entry.stringValue != nil { return entry }
    for name in ["path", "image", "url"] {
      if let found = entry[name], found.stringValue != nil { return found }
    }
    if let bytes = entry["bytes"]?.stringValue { return .string("data:;base64," + bytes) }
    throw row.fault(key, "has no address: write the image to a file and name its path, or use a data URI")
  }

  /// Puts images where the text of messages has `<image>`, in order; if there is no mark, before the text of the last
  /// user message.
  ///
  /// - Throws: When the number of marks differs from the number of images.
  static func insert(_ images: [JSONValue], into messages: [JSONValue], key: String, row: PeerRow) throws
    -> [JSONValue]
  {
    if images.isEmpty { return messages }
    let marks = messages.reduce(0) {
      $0 + ChatMLText.split($1["content"]?.stringValue ?? "", by: mark).count - 1
    }
    if marks == 0 {
      guard let last = messages.lastIndex(where: { $0["role"] == "user" }) else {
        throw row.fault(key, "has images, but the prompt has no user's message to put them in")
      }
      var messages = messages
      messages[last] = replacing(messages[last], content: images.map(part) + parts(of: messages[last]))
      return messages
    }
    guard marks == images.count else {
      throw row.fault(key, "has \(images.count) images, but the prompt has \(marks) times \(mark)")
    }
    var next = 0
    return messages.map { message in
      guard let text = message["content"]?.stringValue else { return message }
      let pieces = ChatMLText.split(text, by: mark)
      if pieces.count == 1 { return message }
      var content: [JSONValue] = []
      for (index, piece) in pieces.enumerated() {
        if index > 0 {
          content.append(part(images[next]))
          next += 1
        }
        if !piece.isEmpty { content.append(["type": "text", "text": .string(piece)]) }
      }
      return replacing(message, content: content)
    }
  }

  /// Takes images out of messages, leaving `<image>` in their texts.
  ///
  /// - Returns: The messages with plain text, the images, and the number of other parts that were lost.
  static func extract(_ messages: [JSONValue]) -> (messages: [JSONValue], images: [JSONValue], omissions: Int) {
    var images: [JSONValue] = []
    var omissions = 0
    let plain = messages.map { message in
      guard let parts = message["content"]?.arrayValue else { return message }
      var text = ""
      for part in parts {
        if let image = ChatImage(part: part), !image.address.isEmpty {
          text += mark
          images.append(.string(image.address))
        } else if let words = ChatMessage.Part.text(of: part) {
          text += words
        } else {
          omissions += 1
        }
      }
      return replacing(message, content: .string(text))
    }
    return (plain, images, omissions)
  }

  private static func part(_ image: JSONValue) -> JSONValue { ["type": "image", "image": image] }

  private static func parts(of message: JSONValue) -> [JSONValue] {
    switch message["content"] {
    case .string(let text)?: text.isEmpty ? [] : [["type": "text", "text": .string(text)]]
    case .array(let parts)?: parts
    default: []
    }
  }

  private static func replacing(_ message: JSONValue, content: [JSONValue]) -> JSONValue {
    replacing(message, content: .array(content))
  }

  private static func replacing(_ message: JSONValue, content: JSONValue) -> JSONValue {
    .object((message.objectValue ?? []).map { $0.key == "content" ? .init("content", content) : $0 })
  }
}

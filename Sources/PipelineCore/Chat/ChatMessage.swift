// SPDX-License-Identifier: Apache-2.0

/// One message of a prompt.
///
/// Policies, servers and formats all read messages by ``messages(from:)``, or single parts by ``Part/init(_:place:)`` and
/// ``ChatImage``, so that all of them see the same.
public struct ChatMessage: Sendable, Hashable {
  /// A piece of a message's content.
  public enum Part: Sendable, Hashable {
    /// Words, as they are.
    case text(String)
    /// An image.
    case image(ChatImage)
  }

  /// The content of a message.
  public enum Content: Sendable, Hashable {
    /// Words alone, written as a string.
    case text(String)
    /// Words and images in order, written as an array.
    case parts([Part])
    /// Nothing: the message only calls tools.
    case none
  }

  /// Who speaks: `system`, `user`, `assistant`, `tool`.
  public var role: String
  /// Its content.
  public var content: Content
  /// The other keys of the message, such as `tool_calls`, `tool_call_id` and `name`, in their order.
  public var others: [JSONValue.Member]

  /// Makes a message.
  public init(role: String, content: Content, others: [JSONValue.Member] = []) {
    self.role = role
    self.content = content
    self.others = others
  }

  /// The pieces of its content.
  public var parts: [Part] {
    switch content {
    case .text(let text): [.text(text)]
    case .parts(let parts): parts
    case .none: []
    }
  }

  /// The messages of a trajectory's `prompt`.
  ///
  /// A plain string is one message of the user.
  ///
  /// - Throws: When the value is no prompt; videos and other kinds of parts are refused by name.
  public static func messages(from prompt: JSONValue) throws -> [ChatMessage] {
    if let text = prompt.stringValue { return [ChatMessage(role: "user", content: .text(text))] }
    guard let messages = prompt.arrayValue else {
      throw fault("is \(prompt.kindDescription), it must be an array of messages or a string")
    }
    return try messages.enumerated().map { index, message in
      guard let role = message["role"]?.stringValue, !role.isEmpty else {
        throw fault("message \(index) has no role")
      }
      return ChatMessage(
        role: role, content: try content(of: message, index),
        others: (message.objectValue ?? []).filter { $0.key != "role" && $0.key != "content" })
    }
  }

  /// Whether a prompt's last message is the beginning of its answer: a text of the assistant, which the response continues.
  ///
  /// transformers' pipelines and TRL take it so as well. A last message that only calls tools is none.
  public static func endInAnswer(_ messages: [ChatMessage]) -> Bool {
    guard let last = messages.last, last.role == "assistant" else { return false }
    return last.parts.contains { part in if case .text = part { true } else { false } }
  }

  /// The images of all messages in the order in which they appear.
  public static func images(in messages: [ChatMessage]) -> [ChatImage] {
    messages.flatMap { message in
      message.parts.compactMap { part in if case .image(let image) = part { image } else { nil } }
    }
  }

  /// The text of a message's `content`: the string, or its text parts one after the other; nil when it has none.
  ///
  /// Nothing else in the content is checked.
  public static func text(ofContent content: JSONValue?) -> String? {
    if let text = content?.stringValue { return text }
    let texts = (content?.arrayValue ?? []).compactMap(Part.text)
    return texts.isEmpty ? nil : texts.joined()
  }

  private static func content(of message: JSONValue, _ index: Int) throws -> Content {
    switch message["content"] {
    case .string(let text)?: return .text(text)
    case .array(let parts)?:
      return .parts(try parts.enumerated().map { try Part($1, place: "message \(index), part \($0)") })
    case .null?, nil:
      if let calls = message["tool_calls"]?.arrayValue, !calls.isEmpty { return .none }
    default: break
    }
    throw fault("message \(index) has no content: a string or an array of parts")
  }

  fileprivate static func fault(_ message: String) -> PipelineError {
    PipelineError(.invalidData, "prompt: \(message)")
  }
}

extension ChatMessage.Part {
  /// Reads a part of a message's content.
  ///
  /// - Parameter place: Where it stands, for messages.
  /// - Throws: When it is neither text nor an image.
  public init(_ part: JSONValue, place: String) throws {
    if let image = ChatImage(part: part) {
      self = .image(image)
      return
    }
    let type = part["type"]?.stringValue
    func isOrHolds(_ kind: String) -> Bool {
      [kind, kind + "_url", "input_" + kind].contains { type == $0 || (part[$0].map { $0 != .null } ?? false) }
    }
    if isOrHolds("video") { throw ChatMessage.fault("\(place) is a video; only text and images are supported") }
    if !isOrHolds("audio"), let text = Self.text(of: part) {
      self = .text(text)
      return
    }
    let kind = type?.quotedForMessage ?? (isOrHolds("audio") ? "'audio'" : "unknown")
    throw ChatMessage.fault("\(place) is of type \(kind); only text and images are supported")
  }

  /// The words of a part: a plain string, its `text`, or the `value` of a part of type text; nil when it has none.
  public static func text(of part: JSONValue) -> String? {
    part.stringValue ?? part["text"]?.stringValue ?? (part["type"] == "text" ? part["value"]?.stringValue : nil)
  }
}

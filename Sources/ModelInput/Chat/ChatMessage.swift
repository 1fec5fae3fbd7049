// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

/// One message of a prompt.
public struct ChatMessage: Sendable, Hashable {
  /// A piece of a message's content.
  public enum Part: Sendable, Hashable {
    /// Words, as they are.
    case text(String)
    /// An image: its path or data URI, empty where the record names it elsewhere.
    case image(String)
  }

  /// Who speaks: `system`, `user`, `assistant`.
  public var role: String
  /// What is said, in order.
  public var content: [Part]

  /// Makes a message.
  public init(role: String, content: [Part]) {
    self.role = role
    self.content = content
  }

  /// The messages of a trajectory's `prompt`.
  ///
  /// A plain string is one message of the user.
  ///
  /// - Throws: When the value is no prompt; videos and other kinds of parts are refused by name.
  public static func messages(from prompt: JSONValue) throws -> [ChatMessage] {
    if let text = prompt.stringValue { return [ChatMessage(role: "user", content: [.text(text)])] }
    guard let messages = prompt.arrayValue else {
      throw fault("is \(prompt.kindDescription), it must be an array of messages or a string")
    }
    return try messages.enumerated().map { index, message in
      guard let role = message["role"]?.stringValue, !role.isEmpty else {
        throw fault("message \(index) has no role")
      }
      switch message["content"] {
      case .string(let text)?: return ChatMessage(role: role, content: [.text(text)])
      case .array(let parts)?:
        return ChatMessage(
          role: role, content: try parts.enumerated().map { try part($1, place: "message \(index), part \($0)") })
      default: throw fault("message \(index) has no content: a string or an array of parts")
      }
    }
  }

  /// The addresses of all images in the order in which they appear.
  public static func images(in messages: [ChatMessage]) -> [String] {
    messages.flatMap { message in
      message.content.compactMap { part in if case .image(let address) = part { address } else { nil } }
    }
  }

  private static func part(_ part: JSONValue, place: String) throws -> Part {
    let type = part["type"]?.stringValue
    if type == "image" || type == "image_url" || part["image"] != nil || part["image_url"] != nil {
      let address = part["image"] ?? part["image_url"] ?? ""
      return .image(address.stringValue ?? address["url"]?.stringValue ?? address["path"]?.stringValue ?? "")
    }
    if type == "video" || part["video"] != nil {
      throw fault("\(place) is a video; only text and images are supported")
    }
    if let text = part["text"]?.stringValue { return .text(text) }
    throw fault("\(place) is of type \(type?.quotedForMessage ?? "unknown"); only text and images are supported")
  }

  private static func fault(_ message: String) -> PipelineError { PipelineError(.invalidData, "prompt: \(message)") }
}

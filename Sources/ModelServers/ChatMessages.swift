// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore

/// A record's prompt as servers take it: images become data URLs.
package enum ChatMessages {
  /// The messages of a prompt.
  ///
  /// - Throws: What is wrong with the prompt or an image.
  package static func messages(of prompt: PolicyPrompt) throws -> JSONValue {
    guard case .messages(let value) = prompt.content else {
      throw PipelineError(.invalidData, "a server is asked in words; give the record a 'prompt'")
    }
    if let text = value.stringValue { return [["role": "user", "content": .string(text)]] }
    guard let messages = value.arrayValue, !messages.isEmpty else {
      throw PipelineError(.invalidData, "'prompt' must be a text or messages, found \(value.kindDescription)")
    }
    return .array(
      try messages.map { message in
        guard let role = message["role"]?.stringValue, let content = message["content"] else {
          throw PipelineError(.invalidData, "a message of 'prompt' needs 'role' and 'content'")
        }
        guard let parts = content.arrayValue else {
          return ["role": .string(role), "content": .string(content.stringValue ?? "")]
        }
        return ["role": .string(role), "content": .array(try parts.map { try part($0, folder: prompt.folder) })]
      })
  }

  /// The text of all messages, for people and templates.
  package static func text(of prompt: JSONValue) -> String {
    if let text = prompt.stringValue { return text }
    let texts = (prompt.arrayValue ?? []).map { message -> String in
      if let text = message["content"]?.stringValue { return text }
      return (message["content"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue ?? $0.stringValue }.joined()
    }
    return texts.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  /// The image parts of all messages, as data URLs.
  package static func images(of prompt: JSONValue, folder: String) throws -> [JSONValue] {
    try (prompt.arrayValue ?? []).flatMap { $0["content"]?.arrayValue ?? [] }.filter { address($0) != nil }
      .map { try part($0, folder: folder) }
  }

  private static func part(_ part: JSONValue, folder: String) throws -> JSONValue {
    if let text = part.stringValue { return ["type": "text", "text": .string(text)] }
    guard let address = address(part) else {
      guard let text = part["text"]?.stringValue else {
        throw PipelineError(
          .invalidData, "a part of 'prompt' is neither text nor an image: \(part.json.shortenedForMessage)")
      }
      return ["type": "text", "text": .string(text)]
    }
    return ["type": "image_url", "image_url": ["url": .string(try url(of: address, folder: folder))]]
  }

  private static func address(_ part: JSONValue) -> String? {
    guard let value = part["image"] ?? part["image_url"] else { return part["type"] == "image" ? "" : nil }
    return value.stringValue ?? value["url"]?.stringValue ?? value["path"]?.stringValue ?? ""
  }

  /// An image's own address where a server can read it, else its bytes.
  private static func url(of address: String, folder: String) throws -> String {
    let start = address.prefix(8).lowercased()
    if start.hasPrefix("http://") || start.hasPrefix("https://") { return address }
    let source = try ImageSource(address, relativeTo: folder)
    let bytes = try source.read()
    guard let type = mediaType(of: bytes) else {
      throw PipelineError(
        .invalidData, "\(source.name): not a PNG, JPEG, WebP or GIF image; convert it to one of these")
    }
    return "data:\(type);base64," + Data(bytes).base64EncodedString()
  }

  /// What the first bytes say that an image is.
  private static func mediaType(of bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
      return "image/webp"
    }
    if bytes.starts(with: Array("GIF8".utf8)) { return "image/gif" }
    return nil
  }
}

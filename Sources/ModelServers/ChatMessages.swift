// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
package import PipelineCore

/// A record's prompt as servers take it: images become data URLs.
package enum ChatMessages {
  /// The messages of a prompt.
  ///
  /// - Parameter access: Which images it may name.
  /// - Throws: What is wrong with the prompt or an image.
  package static func messages(of prompt: PolicyPrompt, _ access: MediaAccess) throws -> JSONValue {
    guard case .messages(let messages) = prompt.content else {
      throw PipelineError(.invalidData, "a server is asked in words; give the record a 'prompt'")
    }
    if messages.isEmpty {
      throw PipelineError(.invalidData, "'prompt' must be a text or messages, found no message")
    }
    return .array(
      try messages.map { message in
        let content: JSONValue =
          switch message.content {
          case .text(let text): .string(text)
          case .parts(let parts): .array(try parts.map { try part($0, folder: prompt.folder, access) })
          case .none: ""
          }
        return ["role": .string(message.role), "content": content]
      })
  }

  /// The text of all messages, for people and templates.
  package static func text(of prompt: JSONValue) -> String {
    if let text = prompt.stringValue { return text }
    let texts = (prompt.arrayValue ?? []).compactMap { ChatMessage.text(ofContent: $0["content"]) }
    return texts.filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  /// The images of all messages, as parts with data URLs.
  package static func images(of prompt: PolicyPrompt, _ access: MediaAccess) throws -> [JSONValue] {
    guard case .messages(let messages) = prompt.content else { return [] }
    return try ChatMessage.images(in: messages).map { try part(.image($0), folder: prompt.folder, access) }
  }

  private static func part(
    _ part: ChatMessage.Part, folder: String, _ access: MediaAccess
  ) throws -> JSONValue {
    switch part {
    case .text(let text): ["type": "text", "text": .string(text)]
    case .image(let image):
      ChatImage(try url(of: image.address, folder: folder, access), details: image.details).openAI
    }
  }

  /// An image's own address where the user lets a server read it, else the bytes of what has been found to be an image.
  private static func url(of address: String, folder: String, _ access: MediaAccess) throws -> String {
    if MediaAccess.isAddress(address) { return try access.forwarded(address) }
    let source = try ImageSource(address, relativeTo: folder)
    let bytes = try source.read(confined: access.confined(source, to: folder))
    // What merely begins like an image stays here.
    _ = try RGBImage(decoding: bytes, name: source.name)
    guard let type = mediaType(of: bytes) else {
      throw PipelineError(
        .invalidData, "\(source.name): not a PNG, JPEG, WebP, GIF, BMP or TIFF image; convert it to one of these")
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
    if bytes.starts(with: Array("BM".utf8)) { return "image/bmp" }
    if bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]) || bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) {
      return "image/tiff"
    }
    return nil
  }
}

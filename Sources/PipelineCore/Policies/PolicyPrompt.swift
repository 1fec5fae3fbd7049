// SPDX-License-Identifier: Apache-2.0

/// A prompt as a record has it.
public struct PolicyPrompt: Sendable, Hashable {
  /// Its form.
  public enum Content: Sendable, Hashable {
    /// A record's `prompt`: messages with text and image parts.
    case messages([ChatMessage])
    /// Tokens of the policy's tokenizer, image placeholders expanded, and the images in order.
    case tokens([Int32], images: [ImageReference])
  }

  /// The prompt.
  public var content: Content
  /// The folder that relative paths of images start from.
  public var folder: String
  /// What is done to its images, in order, by policies that offer ``PolicyAbility/imageChanges``; nothing for those beyond.
  public var imageChanges: [ImageChange] = []

  /// The number of its images.
  public var imageCount: Int {
    switch content {
    case .messages(let messages): ChatMessage.images(in: messages).count
    case .tokens(_, let images): images.count
    }
  }

  /// A prompt.
  public init(_ content: Content, folder: String = "") {
    self.content = content
    self.folder = folder
  }

  /// A prompt as a record's `prompt` has it: text, or messages with text and image parts.
  ///
  /// - Throws: When the value is no prompt.
  public init(_ prompt: JSONValue, folder: String = "") throws {
    self.init(.messages(try ChatMessage.messages(from: prompt)), folder: folder)
  }
}

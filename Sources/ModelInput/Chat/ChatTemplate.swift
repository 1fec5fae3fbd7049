// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The chat template of Qwen2.5-VL, written without running the published one: the same bytes, and faster.
///
/// For models that bring no template, and those that bring the published one. What it does is what that one does: it
/// leaves out calls of tools, so that a message of calls alone is empty.
///
/// A message is `<|im_start|>ROLE`, a line end, its content, `<|im_end|>` and a line end. An image in it is
/// `<|vision_start|><|image_pad|><|vision_end|>`. If the first message is not a system message, one that says "You are
/// a helpful assistant." is put before it. Texts are used unchanged: nothing is trimmed or inserted.
package enum ChatTemplate {
  /// The placeholder for an image, repeated once for each of the image's tokens.
  package static let imagePad = "<|image_pad|>"
  /// What goes before an image.
  package static let visionStart = "<|vision_start|>"
  /// What goes after an image.
  package static let visionEnd = "<|vision_end|>"
  /// What begins a message.
  package static let messageStart = "<|im_start|>"
  /// What ends a message, and a generated answer.
  package static let messageEnd = "<|im_end|>"
  /// The system message of a prompt that has none.
  package static let defaultSystem = "You are a helpful assistant."

  /// How a rendered prompt ends.
  package enum Ending: Sendable {
    /// With the beginning of the assistant's answer, for generation.
    case answer
    /// With the last message.
    case lastMessage
    /// Within the last message, behind its last text, which is then continued.
    case continuation

    /// How a prompt for a response ends.
    package static func response(to messages: [ChatMessage]) -> Ending {
      ChatMessage.endInAnswer(messages) ? .continuation : .answer
    }
  }

  /// The text of messages, with one ``imagePad`` for each image; for no messages, just the ending.
  package static func render(_ messages: [ChatMessage], ending: Ending = .answer) -> String {
    var text = ""
    if let first = messages.first, first.role != "system" {
      text += "\(messageStart)system\n\(defaultSystem)\(messageEnd)\n"
    }
    for (index, message) in messages.enumerated() {
      text += "\(messageStart)\(message.role)\n"
      if ending == .continuation, index == messages.count - 1 { return text + written(message.partsToLastText) }
      text += written(message.parts[...]) + "\(messageEnd)\n"
    }
    if ending == .answer { text += "\(messageStart)assistant\n" }
    return text
  }

  private static func written(_ parts: ArraySlice<ChatMessage.Part>) -> String {
    parts.map { part in
      switch part {
      case .text(let words): words
      case .image: visionStart + imagePad + visionEnd
      }
    }.joined()
  }
}

extension ChatMessage {
  /// The position of its last text; nil if it has none.
  var lastText: Int? { parts.lastIndex { part in if case .text = part { true } else { false } } }

  fileprivate var partsToLastText: ArraySlice<Part> { parts[..<(lastText.map { $0 + 1 } ?? 0)] }
}

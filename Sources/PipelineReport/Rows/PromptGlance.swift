// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a list shows of a prompt: the beginning of the question, and its images.
struct PromptGlance: Hashable {
  /// The last message of the user, cut.
  let question: String
  /// The addresses of the images, in order.
  let addresses: [String]

  private static let longest = 200

  /// Looks at a prompt and at `images`, which may name more.
  init(prompt: JSONValue?, images: JSONValue?) {
    let messages = prompt.flatMap { try? ChatMessage.messages(from: $0) } ?? []
    let last = messages.last { $0.role == "user" } ?? messages.last
    let text = last?.parts.compactMap { part in if case .text(let text) = part { text } else { nil } }.joined(
      separator: " ")
    question = RawText.shortened(Self.lastTurn(of: text ?? prompt?.stringValue ?? ""), Self.longest)
    let inPrompt = ChatMessage.images(in: messages).map(\.address).filter { !$0.isEmpty }
    addresses = inPrompt.isEmpty ? (images?.arrayValue ?? []).compactMap(Self.address) : inPrompt
  }

  /// The address in an entry of `images`.
  private static func address(_ entry: JSONValue) -> String? {
    entry.stringValue ?? ["path", "image", "url"].lazy.compactMap { entry[$0]?.stringValue }.first
      ?? ChatImage(part: entry)?.address
  }

  /// The last turn of the user in text that a chat template has rendered, without the marks of images.
  private static func lastTurn(of text: String) -> String {
    guard let start = text.range(of: "<|im_start|>user\n", last: true) else { return trimmed(text[...]) }
    let turn = text[start.upperBound...]
    return trimmed(turn[..<(turn.range(of: "<|im_end|>", last: false)?.lowerBound ?? turn.endIndex)])
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = String(text)
    for mark in ["<|vision_start|><|image_pad|><|vision_end|>", "<image>"] {
      while let range = text.range(of: mark, last: false) { text.removeSubrange(range) }
    }
    return String(text.drop { $0.isWhitespace })
  }
}

extension StringProtocol {
  /// The first or the last place of a text in this one.
  fileprivate func range(of text: String, last: Bool) -> Range<Index>? {
    last ? ranges(of: text).last : firstRange(of: text)
  }
}

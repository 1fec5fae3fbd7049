// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Prompts as rendered text in the ChatML template that Qwen models use.
///
/// A message is `<|im_start|>ROLE`, a line end, its content, `<|im_end|>` and a line end; an image in it is
/// `<|vision_start|><|image_pad|><|vision_end|>`; the answer's `<|im_start|>assistant` and line end follow.
enum ChatMLText {
  private static let image = "<|vision_start|><|image_pad|><|vision_end|>"
  private static let opening = "<|im_start|>"
  private static let closing = "<|im_end|>\n"
  private static let answer = "<|im_start|>assistant\n"

  /// What a rendered prompt cannot contain.
  struct Rendered {
    let text: String
    /// Images whose address is not in the text.
    let imageAddresses: Int
    /// Parts and keys of messages that the template does not have.
    let omissions: Int
  }

  /// Renders messages.
  static func render(_ messages: JSONValue) -> Rendered {
    var text = ""
    var addresses = 0
    var omissions = 0
    for message in messages.arrayValue ?? [] {
      text += opening + (message["role"]?.stringValue ?? "user") + "\n"
      omissions += (message.objectValue ?? []).filter { $0.key != "role" && $0.key != "content" }.count
      switch message["content"] {
      case .string(let content)?: text += content
      case .array(let parts)?:
        for part in parts {
          if let shown = ChatImage(part: part) {
            text += image
            if !shown.address.isEmpty { addresses += 1 }
          } else if let words = ChatMessage.Part.text(of: part) {
            text += words
          } else {
            omissions += 1
          }
        }
      default: break
      }
      text += closing
    }
    return Rendered(text: text + answer, imageAddresses: addresses, omissions: omissions)
  }

  /// The messages of a rendered prompt, or nil unless rendering them gives exactly the same text.
  ///
  /// Image parts have no address, since the text does not contain one.
  static func parse(_ text: String) -> JSONValue? {
    guard text.hasSuffix(answer), text.hasPrefix(opening) else { return nil }
    var messages: [JSONValue] = []
    for block in split(String(text.dropLast(answer.count)), by: closing).dropLast() {
      guard block.hasPrefix(opening), let lineEnd = block.firstIndex(of: "\n") else { return nil }
      let role = block[block.index(block.startIndex, offsetBy: opening.count)..<lineEnd]
      messages.append([
        "role": .string(String(role)), "content": content(String(block[block.index(after: lineEnd)...])),
      ])
    }
    let parsed = JSONValue.array(messages)
    if messages.isEmpty || render(parsed).text != text { return nil }
    return parsed
  }

  private static func content(_ text: String) -> JSONValue {
    let pieces = split(text, by: image)
    if pieces.count == 1 { return .string(text) }
    var parts: [JSONValue] = []
    for (index, piece) in pieces.enumerated() {
      if index > 0 { parts.append(["type": "image"]) }
      if !piece.isEmpty { parts.append(["type": "text", "text": .string(piece)]) }
    }
    return .array(parts)
  }

  /// The parts of a text between occurrences of a mark; at least one.
  static func split(_ text: String, by mark: String) -> [String] {
    let bytes = Array(text.utf8)
    let pattern = Array(mark.utf8)
    var pieces: [String] = []
    var start = 0
    var at = 0
    while at + pattern.count <= bytes.count {
      if bytes[at] == pattern[0], bytes[at..<at + pattern.count].elementsEqual(pattern) {
        pieces.append(String(decoding: bytes[start..<at], as: UTF8.self))
        at += pattern.count
        start = at
      } else {
        at += 1
      }
    }
    pieces.append(String(decoding: bytes[start...], as: UTF8.self))
    return pieces
  }
}

extension RecordBuilder {
  /// Sets a prompt that is a string or a list of messages; a rendered one is parsed if the options say so.
  ///
  /// - Returns: Whether it is a list of messages.
  @discardableResult
  mutating func setPrompt(
    _ value: JSONValue?, key: String, row: PeerRow, options: ImportOptions
  ) throws -> Bool {
    try setPrompt(value.map { Cell($0) }, key: key, row: row, options: options)
  }

  /// Sets the prompt; a string that stays one is not decoded.
  @discardableResult
  mutating func setPrompt(
    _ cell: Cell?, key: String, row: PeerRow, options: ImportOptions
  ) throws -> Bool {
    guard let cell, !cell.isNull else { return false }
    if cell.isString, options.renderedPrompt == .asWritten {
      set(.prompt, cell)
      return false
    }
    let value = cell.value
    if case .string(let text) = value {
      if options.renderedPrompt == .parseChatML, let messages = ChatMLText.parse(text) {
        set(.prompt, messages)
        return true
      }
      set(.prompt, value)
      return false
    }
    guard value.arrayValue != nil else { throw row.wrongKind(key, value, "a string or a list of messages") }
    set(.prompt, try ChatMessages.imported(value, key: key, row: row))
    return true
  }
}

extension OutgoingRecord {
  /// Whether the prompt is a list of messages.
  var hasChatPrompt: Bool { peek(.prompt)?.arrayValue != nil }

  /// Takes the prompt for a target that stores rendered text.
  mutating func takePromptText() -> JSONValue {
    let prompt = take(.prompt)
    guard let prompt, prompt.arrayValue != nil else { return prompt ?? .null }
    let rendered = ChatMLText.render(prompt)
    lose("prompt", "\(target) keeps text: messages were rendered with the ChatML template")
    lose(
      "prompt.image", "\(target) keeps text: image addresses have no place in it",
      count: rendered.imageAddresses)
    lose("prompt.content", "the ChatML template has no place for it", count: rendered.omissions)
    return .string(rendered.text)
  }
}

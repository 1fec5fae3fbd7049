// SPDX-License-Identifier: Apache-2.0
import Jinja
package import PipelineCore

/// The chat template of a model: what turns messages into the text that the model was trained on.
///
/// A template in the model's files is run as transformers runs it. For the published one of Qwen2.5-VL, and for models
/// without one, ``ChatTemplate`` writes the same text without running anything.
///
/// Source: `apply_chat_template` of transformers 5.24.
package struct PromptTemplate: Sendable {
  /// Where it comes from.
  package let origin: ChatTemplateOrigin
  private let own: Own?

  /// A template that is run.
  private struct Own: Sendable {
    let template: Template
    /// Its file, as errors name it.
    let place: String
    let specialTokens: [String: Value]
  }

  /// Reads the template of a model's folder.
  ///
  /// - Throws: When a file cannot be read, or the template is not valid; the error names the file and the line.
  package init(folder: String) throws {
    guard let found = try ChatTemplateText(folder: folder) else {
      self.init(origin: .none, own: nil)
      return
    }
    guard !found.isPublished else {
      self.init(origin: .published, own: nil)
      return
    }
    let place = "\(folder)/\(found.file)"
    do {
      let template = try Template(found.text, options: .chat)
      let own = Own(template: template, place: place, specialTokens: try Self.specialTokens(folder: folder))
      self.init(origin: .own(file: found.file), own: own)
    } catch let error as TemplateError {
      throw PipelineError(
        .invalidData,
        "\(Self.line(error, place)): the chat template cannot be read: \(error.message); correct it, or give records "
          + "'prompt_tokens' and take it out of the folder")
    }
  }

  private init(origin: ChatTemplateOrigin, own: Own?) {
    self.origin = origin
    self.own = own
  }

  /// The text of messages, with a placeholder for each image.
  ///
  /// - Throws: When the template does not take these messages, for the reason that it gives.
  package func render(_ messages: [ChatMessage], ending: ChatTemplate.Ending = .answer) throws -> String {
    guard let own else { return ChatTemplate.render(messages, ending: ending) }
    if ending != .continuation { return try run(own, messages, beginsAnswer: ending == .answer) }
    // What the template writes behind the text is cut off; a space at the mark's end shows whether it strips texts.
    let mark = "SHUFFLE_R1_CONTINUES_HERE "
    let text = Array(try run(own, Self.marked(messages, with: mark), beginsAnswer: false).utf8)
    let word = Array(mark.utf8.dropLast())
    guard
      let place = text.indices.last(where: { text[$0] == word[0] && text[$0...].starts(with: word) })
    else {
      throw PipelineError(
        .invalidData,
        "prompt: the last message is the assistant's, but the chat template leaves out its text (\(own.place)), so that it "
          + "cannot be continued; end the prompt with a message of the user, or give the record 'prompt_tokens'")
    }
    let before = String(decoding: text[..<place], as: UTF8.self)
    let isWhole = text[place...].starts(with: mark.utf8)
    return isWhole ? before : String(before.reversed().drop(while: \.isWhitespace).reversed())
  }

  /// The messages with a mark at the end of the last one's last text.
  private static func marked(_ messages: [ChatMessage], with mark: String) -> [ChatMessage] {
    var messages = messages
    guard let last = messages.indices.last, let place = messages[last].lastText else { return messages }
    switch messages[last].content {
    case .text(let text): messages[last].content = .text(text + mark)
    case .parts(var parts):
      if case .text(let text) = parts[place] { parts[place] = .text(text + mark) }
      messages[last].content = .parts(parts)
    case .none: break
    }
    return messages
  }

  private func run(_ own: Own, _ messages: [ChatMessage], beginsAnswer: Bool) throws -> String {
    var context = own.specialTokens
    context["messages"] = .list(try messages.map(MessageValue.value))
    context["tools"] = Value.none
    context["documents"] = Value.none
    context["add_generation_prompt"] = .bool(beginsAnswer)
    do {
      return try own.template.render(context)
    } catch let error as TemplateError {
      let reason = error.kind == .raised ? "refuses these messages" : "fails on these messages"
      throw PipelineError(
        .invalidData,
        "prompt: the chat template \(reason): \(error.message) (\(Self.line(error, own.place))); change the messages, "
          + "or give the record 'prompt_tokens'")
    }
  }

  private static func line(_ error: TemplateError, _ place: String) -> String {
    guard error.line > 0 else { return place }
    return place.hasSuffix(".json") ? "\(place): 'chat_template', line \(error.line)" : "\(place):\(error.line)"
  }

  /// The special tokens that templates may name, such as `bos_token`.
  private static func specialTokens(folder: String) throws -> [String: Value] {
    let names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
    let documents = try ["tokenizer_config.json", "special_tokens_map.json"].map {
      try DocumentFile.object("\(folder)/\($0)")
    }
    var tokens: [String: Value] = [:]
    for name in names {
      for document in documents {
        guard let value = document?[name], let text = value.stringValue ?? value["content"]?.stringValue else {
          continue
        }
        tokens[name] = .string(text)
        break
      }
    }
    return tokens
  }
}

/// A message as templates see it.
private enum MessageValue {
  /// A dictionary of its role, its content and its other keys.
  ///
  /// As in transformers, a key whose value is null is left out, and a reasoning has all the names that templates give it.
  static func value(_ message: ChatMessage) throws -> Value {
    var members: [(key: String, value: Value)] = [("role", .string(message.role))]
    switch message.content {
    case .text(let text): members.append(("content", .string(text)))
    case .parts(let parts): members.append(("content", .list(parts.map(value))))
    case .none: break
    }
    for member in message.others where member.value != .null {
      members.append((member.key, try value(member.value)))
    }
    let names = ["reasoning_content", "thinking", "reasoning"]
    let reasoning = names.lazy.compactMap { name in members.first { $0.key == name }?.value }.first
    if let reasoning {
      members = [("thinking", reasoning)] + members + [("reasoning_content", reasoning)]
    }
    return .dict(members)
  }

  /// A template sees where an image stands, not its address.
  private static func value(_ part: ChatMessage.Part) -> Value {
    switch part {
    case .text(let text): ["type": "text", "text": .string(text)]
    case .image: ["type": "image"]
    }
  }

  private static func value(_ json: JSONValue) throws -> Value {
    switch json {
    case .null: return .none
    case .bool(let value): return .bool(value)
    case .string(let text): return .string(text)
    case .array(let values): return .list(try values.map(value))
    case .object(let members): return .dict(try members.map { ($0.key, try value($0.value)) })
    case .number(let digits):
      if let whole = Int(digits) { return .int(whole) }
      guard digits.contains(where: { ".eE".contains($0) }), let value = Double(digits) else {
        throw PipelineError(
          .invalidData,
          "prompt: the number \(digits.quotedForMessage) is too long for a chat template; write it as a string")
      }
      return .double(value)
    }
  }
}

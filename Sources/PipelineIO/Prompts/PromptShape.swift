// SPDX-License-Identifier: Apache-2.0
import Foundation
import Jinja
package import PipelineCore

/// What is put around the prompts of a data set before a model is asked: a system message, and a template around the question.
///
/// Whatever reads prompts applies it to each record, so that a run, `generate` and `evaluate` ask the same.
package struct PromptShape: Sendable {
  /// The question inside its template.
  package typealias Frame = @Sendable (_ content: String) throws -> String

  /// Stands for an image in the text that a template is given, as in the data sets that such templates are written for.
  private static let mark = "<image>"

  private let system: String?
  private let template: Frame?

  /// A shape.
  ///
  /// - Parameters:
  ///   - system: The system message of prompts that have none; nil for none.
  ///   - template: Puts the text of the last user message into a template; nil to leave it as it is.
  /// - Throws: When what the template makes of a question does not hold the question.
  package init(system: String?, template: Frame?) throws {
    self.system = system
    self.template = template
    let probe = "What is 6 × 7?"
    if let template, try !template(probe).contains(probe) {
      throw PipelineError(
        .invalidSpec, "the format prompt does not hold the question; write {{ content }} where it goes")
    }
  }

  /// A shape as a spec or the command line has it.
  ///
  /// - Parameters:
  ///   - system: The system message of prompts that have none; nil for none.
  ///   - format: The text of a Jinja template with `{{ content }}`; nil for none. White space at its ends is dropped, as
  ///     EasyR1 does.
  ///   - key: What the user calls the template, for messages.
  /// - Returns: Nil where there is neither.
  /// - Throws: When the template is none, or leaves the question out.
  package init?(system: String?, format: String?, key: String) throws {
    if system == nil, format == nil { return nil }
    do {
      let template = try format.map { text in
        let template = try Template(text.trimmingCharacters(in: .whitespacesAndNewlines), options: .plain)
        return { @Sendable (content: String) in try template.render(["content": .string(content)]) }
      }
      try self.init(system: system, template: template)
    } catch {
      throw PipelineError(.invalidSpec, "'\(key)': \((error as? PipelineError)?.message ?? "\(error)")")
    }
  }

  /// Puts a record's prompt into shape.
  ///
  /// - Throws: When the record has its prompt as tokens alone, or its prompt is none.
  package func apply(to trajectory: inout Trajectory) throws {
    guard try trajectory.value(of: .promptTokens) ?? .null == .null else {
      throw PipelineError(
        .invalidData,
        "the record has 'prompt_tokens', which a system or format prompt cannot change; take them out of the record, or "
          + "leave both options out")
    }
    guard let prompt = try trajectory.value(of: .prompt), prompt != .null else { return }
    trajectory.set(.prompt, to: try shaped(prompt))
  }

  private func shaped(_ prompt: JSONValue) throws -> JSONValue {
    guard var messages = prompt.arrayValue else {
      guard let text = prompt.stringValue else {
        throw PipelineError(
          .invalidData, "prompt: is \(prompt.kindDescription), it must be an array of messages or a string")
      }
      let question = try template?(text) ?? text
      guard let system else { return .string(question) }
      return [Self.message("system", .string(system)), Self.message("user", .string(question))]
    }
    if let template, let last = messages.lastIndex(where: { $0["role"] == "user" }) {
      messages[last] = try Self.formatted(messages[last], template)
    }
    if let system, !messages.contains(where: { $0["role"] == "system" || $0["role"] == "developer" }) {
      messages.insert(Self.message("system", .string(system)), at: 0)
    }
    return .array(messages)
  }

  /// A message with its text inside the template, and its images where their marks come out.
  private static func formatted(_ message: JSONValue, _ template: Frame) throws -> JSONValue {
    let parts = message["content"]?.arrayValue
    guard let parts else {
      guard let text = message["content"]?.stringValue else { return message }
      return replacing(message, content: .string(try template(text)))
    }
    let images = parts.filter { ChatImage(part: $0) != nil }
    let texts = parts.map { ChatImage(part: $0) == nil ? ChatMessage.Part.text(of: $0) : nil }
    // A text may speak of the mark itself; then a character that no text needs stands for images.
    let mark = texts.contains { $0?.contains(Self.mark) == true } ? "\u{FFFC}" : Self.mark
    let content = try template(
      zip(parts, texts).map { part, text in text ?? (ChatImage(part: part) == nil ? "" : mark) }.joined())
    let pieces = ChatMLText.split(content, by: mark)
    guard pieces.count == images.count + 1 else {
      throw PipelineError(
        .invalidData,
        "the format prompt makes \(pieces.count - 1) image places of \(images.count); write {{ content }} once")
    }
    var shaped: [JSONValue] = []
    for (index, words) in pieces.enumerated() {
      if index > 0 { shaped.append(images[index - 1]) }
      if !words.isEmpty { shaped.append(["type": "text", "text": .string(String(words))]) }
    }
    return replacing(message, content: .array(shaped))
  }

  private static func message(_ role: String, _ content: JSONValue) -> JSONValue {
    ["role": .string(role), "content": content]
  }

  private static func replacing(_ message: JSONValue, content: JSONValue) -> JSONValue {
    .object((message.objectValue ?? []).map { $0.key == "content" ? .init("content", content) : $0 })
  }
}

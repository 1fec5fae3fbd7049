// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Where the chat template of a model comes from.
package enum ChatTemplateOrigin: Sendable, Hashable {
  /// The files have none: prompts get the one of Qwen2.5-VL.
  case none
  /// The published template of Qwen2.5-VL, which ``ChatTemplate`` writes without running it.
  case published
  /// A template of the model's own, with its file.
  case own(file: String)
}

/// The text of a chat template in a model's files.
struct ChatTemplateText {
  /// The file's name.
  let file: String
  let text: String

  /// FNV-1a (64 bit) of the published template of Qwen2.5-VL.
  private static let publishedHash: UInt64 = 0x7124_2f76_359e_71e8

  /// Reads `chat_template.jinja`, `chat_template.json` and `tokenizer_config.json`; the first that has a template counts.
  ///
  /// A file may have several templates with names; then the one named `default` counts, as in transformers.
  ///
  /// - Returns: Nil when the files have none.
  /// - Throws: When a file cannot be read, or has a template that is no text.
  init?(folder: String) throws {
    if let data = try DocumentFile.bytes(folder + "/chat_template.jinja") {
      file = "chat_template.jinja"
      guard let text = String(validating: data, as: UTF8.self) else {
        throw PipelineError(.invalidData, "\(folder)/chat_template.jinja is not UTF-8")
      }
      self.text = text
      return
    }
    for file in ["chat_template.json", "tokenizer_config.json"] {
      guard let value = try DocumentFile.object("\(folder)/\(file)")?["chat_template"], value != .null else { continue }
      self.file = file
      text = try Self.text(value, place: "\(folder)/\(file): 'chat_template'")
      return
    }
    return nil
  }

  var isPublished: Bool {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
      == Self.publishedHash
  }

  private static func text(_ value: JSONValue, place: String) throws -> String {
    if let text = value.stringValue { return text }
    let named = value.arrayValue?.first { $0["name"] == "default" }?["template"] ?? value["default"]
    guard let text = named?.stringValue else {
      let kind =
        value.arrayValue == nil && value.objectValue == nil
        ? "is \(value.kindDescription)" : "has no template named 'default'"
      throw PipelineError(.invalidData, "\(place) \(kind), it must be a text, or a list of named ones with a 'default'")
    }
    return text
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The chat template in a model's files, which this package does not execute.
package enum ChatTemplateOrigin: Sendable, Hashable {
  /// The files have none.
  case none
  /// The published template of Qwen2.5-VL, which ``ChatTemplate`` follows.
  case published
  /// Another template, with its file: the text of ``ChatTemplate`` may differ from what the model was trained on.
  case other(file: String)

  /// FNV-1a (64 bit) of the published template.
  private static let publishedHash: UInt64 = 0x7124_2f76_359e_71e8

  /// Reads `chat_template.jinja`, `chat_template.json` and `tokenizer_config.json`; the first that has a template
  /// counts.
  package init(folder: String) throws {
    var found: (file: String, text: String)?
    if let data = try DocumentFile.bytes(folder + "/chat_template.jinja") {
      found = ("chat_template.jinja", String(decoding: data, as: UTF8.self))
    } else {
      for file in ["chat_template.json", "tokenizer_config.json"] where found == nil {
        if let template = try DocumentFile.object("\(folder)/\(file)")?["chat_template"], template != .null {
          // Some files have a list of named ones.
          found = (file, template.stringValue ?? template.json)
        }
      }
    }
    guard let found else {
      self = .none
      return
    }
    self = Self.hash(found.text) == Self.publishedHash ? .published : .other(file: found.file)
  }

  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}

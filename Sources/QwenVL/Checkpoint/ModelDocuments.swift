// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// The files of a model's folder other than its weights.
enum ModelDocuments {
  private static let copied = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
    "added_tokens.json", "special_tokens_map.json", "chat_template.json", "chat_template.jinja",
    "preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json", "LICENSE", "NOTICE",
  ]

  /// Copies what is there, and writes `config.json`.
  static func write(from source: Checkpoint, to folder: String, precision: CheckpointWriter.Precision) throws {
    for file in copied {
      if let bytes = try DocumentFile.bytes("\(source.folder)/\(file)") {
        try DurableFile.write(bytes, to: "\(folder)/\(file)")
      }
    }
    let config = "\(folder)/config.json"
    if case .all(let type) = precision, let document = changed(source.config.document, to: type) {
      try DurableFile.write((document.prettyJSON + "\n").utf8, to: config)
    } else if let bytes = try DocumentFile.bytes("\(source.folder)/config.json") {
      try DurableFile.write(bytes, to: config)
    } else {
      try DurableFile.write((source.config.document.prettyJSON + "\n").utf8, to: config)
    }
  }

  /// The configuration with another number format wherever it names one, or nil when it stays the same.
  private static func changed(_ document: JSONValue, to type: TensorType) -> JSONValue? {
    guard case .object(let members) = document else { return nil }
    var isChanged = false
    let result = members.map { member -> JSONValue.Member in
      var member = member
      switch member.key {
      case "dtype", "torch_dtype":
        if member.value.stringValue != nil, member.value != .string(type.configName) {
          member.value = .string(type.configName)
          isChanged = true
        }
      case "text_config", "vision_config":
        if let inner = changed(member.value, to: type) {
          member.value = inner
          isChanged = true
        }
      default: break
      }
      return member
    }
    return isChanged ? .object(result) : nil
  }
}

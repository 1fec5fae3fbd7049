// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// A text that a spec holds itself, or names a file with: `"Answer briefly."` or `{"file": "system.txt"}`.
package enum PromptText: Codable, Sendable, Hashable, SelfDescribingOption {
  /// The text itself; empty for none.
  case text(String)
  /// A file with the text.
  case file(SpecPath)

  private enum CodingKeys: String, CodingKey { case file }

  /// No text.
  package static let none = PromptText.text("")

  /// Whether there is a text.
  package var isSet: Bool { self != .none }

  /// The text, without white space at either end where a file holds it.
  ///
  /// - Parameters:
  ///   - folder: The folder of the spec.
  ///   - key: What the spec calls the text, for messages.
  /// - Throws: When the file cannot be read, is no UTF-8, or is empty.
  package func read(in folder: String, key: String) throws -> String? {
    switch self {
    case .text(let text): return text.isEmpty ? nil : text
    case .file(let path):
      let file = path.resolved(in: folder)
      guard let data = FileManager.default.contents(atPath: file) else {
        throw PipelineError(
          .inputOutput, "cannot open \(file), which '\(key)' names; a path is relative to the spec's folder")
      }
      guard let text = String(validating: data, as: UTF8.self) else {
        throw PipelineError(.invalidData, "\(file), which '\(key)' names, is not UTF-8")
      }
      let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
      guard !trimmed.isEmpty else {
        throw PipelineError(.invalidData, "\(file), which '\(key)' names, is empty; leave the option out for no text")
      }
      return trimmed
    }
  }

  /// A string, or a table with `file`.
  package init(from decoder: any Decoder) throws {
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      self = .text(text)
    } else if let keyed = try? decoder.container(keyedBy: CodingKeys.self), keyed.contains(.file) {
      self = .file(try keyed.decode(SpecPath.self, forKey: .file))
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be a text, or {\"file\": \"prompt.txt\"}"))
    }
  }

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .text(let text):
      var single = encoder.singleValueContainer()
      try single.encode(text)
    case .file(let path):
      var keyed = encoder.container(keyedBy: CodingKeys.self)
      try keyed.encode(path, forKey: .file)
    }
  }

  /// A string, or a table with `file`.
  package static let schema: JSONValue = [
    "oneOf": [
      ["type": "string"],
      [
        "type": "object", "additionalProperties": false, "required": ["file"],
        "properties": ["file": SpecPath.schema],
      ],
    ]
  ]
}

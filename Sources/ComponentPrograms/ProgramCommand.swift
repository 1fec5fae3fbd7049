// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// A program and its arguments, and where the spec names them.
package struct ProgramCommand: Codable, Sendable, Hashable, SelfDescribingOption {
  /// The words; they are not passed through a shell.
  package var words: [String]
  /// Where they are in the spec; nil for words that are not from a spec.
  package var location: SourceLocation?

  /// A command.
  package init(_ words: [String] = []) { self.words = words }

  /// Two commands are equal if their words are.
  package static func == (a: ProgramCommand, b: ProgramCommand) -> Bool { a.words == b.words }

  /// Hashes the words.
  package func hash(into hasher: inout Hasher) { hasher.combine(words) }

  /// Reads a list of strings.
  package init(from decoder: any Decoder) throws {
    location = (decoder as? any OptionTreeDecoder)?.location(of: nil)
    guard let words = try? decoder.singleValueContainer().decode([String].self) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: #"must be a list of words, such as ["python3", "my_reward.py"]; there is no shell"#))
    }
    self.words = words
  }

  /// Writes the words.
  package func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    try single.encode(words)
  }

  /// A list of strings.
  package static let schema: JSONValue = ["type": "array", "items": ["type": "string"], "minItems": 1]
}

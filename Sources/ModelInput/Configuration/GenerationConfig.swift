// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// The generation settings of a model's files: the ids that end an answer.
///
/// Sampling settings in `generation_config.json` are ignored: a run states how it samples.
package struct GenerationConfig: Sendable {
  /// The ids that end an answer, in the order of the file; at least one.
  package var endTokenIDs: [Int]
  /// The padding id, if the files name one.
  package var padTokenID: Int?

  /// Reads `generation_config.json`; missing values come from `config.json`.
  ///
  /// - Throws: When an id is invalid or outside the vocabulary, or when no id ends an answer.
  package init(folder: String, config: ModelConfig) throws {
    let path = folder + "/generation_config.json"
    let document = try DocumentFile.object(path)
    let fallback = config.document["text_config"] ?? config.document
    func ids(_ key: String) throws -> [Int] {
      for (file, object) in [(path, document), (folder + "/config.json", fallback), ("", config.document)] {
        guard let value = object?[key], value != .null else { continue }
        return try (value.arrayValue ?? [value]).map { element in
          guard let id = element.intValue, (0..<config.text.vocabularySize).contains(id) else {
            throw PipelineError(
              .invalidData,
              "\(file): '\(key)' has \(element.json.shortenedForMessage), it must be an id in"
                + " 0..<\(config.text.vocabularySize)")
          }
          return id
        }
      }
      return []
    }
    var seen: Set<Int> = []
    endTokenIDs = try ids("eos_token_id").filter { seen.insert($0).inserted }
    padTokenID = try ids("pad_token_id").first
    if endTokenIDs.isEmpty {
      throw PipelineError(
        .invalidData, "\(path): no 'eos_token_id', here or in config.json: nothing would end an answer")
    }
  }
}

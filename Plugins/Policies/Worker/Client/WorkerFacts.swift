// SPDX-License-Identifier: Apache-2.0
import ModelInput
import PipelineCore

/// What a worker says of the model that it has loaded.
struct WorkerFacts: Sendable {
  /// The class, as in `config.json`.
  let architecture: String
  /// The number of weights.
  let parameterCount: Int
  /// The number of token ids, and the most tokens of prompt and response together.
  let limits: TokenLimits
  /// The ids that end a response.
  let endTokens: [Int]
  /// Ids that are not text.
  let markTokens: [Int]
  /// Whether the worker turns text into tokens.
  let hasTokenizer: Bool
  /// Whether prompts may have images.
  let takesImages: Bool
  /// What the user should know of it; empty for nothing.
  let note: String

  /// Reads the facts of an answer to `load`.
  ///
  /// - Throws: When one is missing.
  init(_ frame: WireFrame) throws {
    let facts = frame.header["facts"]
    func number(_ name: String) throws -> Int {
      guard let value = facts?[name]?.intValue, value > 0 else {
        throw PipelineError(.policyWorker, "the policy's worker has loaded a model and does not say its '\(name)'")
      }
      return value
    }
    architecture = facts?["architecture"]?.stringValue ?? ""
    parameterCount = try number("parameter_count")
    limits = TokenLimits(
      vocabularySize: min(try number("vocabulary_size"), Int(Int32.max)), contextLength: try number("context_length"))
    let vocabulary = 0..<limits.vocabularySize
    func ids(_ name: String) -> [Int] {
      (facts?[name]?.arrayValue ?? []).compactMap(\.intValue).filter(vocabulary.contains)
    }
    (endTokens, markTokens) = (ids("end_tokens"), ids("mark_tokens"))
    hasTokenizer = facts?["tokenizer"] == .bool(true)
    takesImages = facts?["takes_images"] == .bool(true)
    note = facts?["note"]?.stringValue ?? ""
  }

  /// The description for the pipeline.
  var policy: PolicyFacts {
    PolicyFacts(
      architecture: architecture, parameterCount: parameterCount, vocabularySize: limits.vocabularySize,
      contextLength: limits.contextLength, tokenizer: hasTokenizer ? .present : .absent,
      markTokens: Set(markTokens.map { Int32($0) }))
  }
}

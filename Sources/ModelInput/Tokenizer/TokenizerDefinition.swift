// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// The contents of a tokenizer's files, before the tables are built.
struct TokenizerDefinition {
  /// The tokens as spelled in the files: each byte as one printable character; in the order of the file.
  var vocabulary: [(token: String, id: Int)] = []
  /// The pairs that merge, in order of rank.
  var merges: [(left: String, right: String)] = []
  var added: [AddedToken] = []
  /// Whether text is put into normalisation form C first.
  var composes = true
  var pieces = PieceRules()
  /// Whether a piece that is a token as a whole becomes that token, whatever its merges give.
  var takesWholePieces = false
  /// The token for bytes that have none; without it they are left out.
  var unknown: String?
  /// The file with the vocabulary and the one with the merges, for messages.
  var vocabularyFile: String
  var mergesFile: String

  /// Reads `tokenizer.json`, or `vocab.json` and `merges.txt`; then tokens that only the files next to them add.
  ///
  /// - Throws: When there is neither, or when they require something that is not supported.
  static func read(folder: String) throws -> TokenizerDefinition {
    var definition: TokenizerDefinition
    let whole = folder + "/tokenizer.json"
    if let document = try DocumentFile.object(whole) {
      definition = try TokenizerDocument(path: whole, root: document).definition()
    } else {
      definition = try separateFiles(folder: folder)
    }
    let known = Set(definition.added.map { ExactText($0.content) })
    for token in try SideTokens.read(folder: folder) where !known.contains(ExactText(token.content)) {
      definition.added.append(token)
    }
    return definition
  }

  private static func separateFiles(folder: String) throws -> TokenizerDefinition {
    let vocabularyFile = folder + "/vocab.json"
    let mergesFile = folder + "/merges.txt"
    guard let vocabulary = try DocumentFile.object(vocabularyFile) else {
      throw PipelineError(
        .invalidData, "\(folder) has no tokenizer: it needs tokenizer.json, or vocab.json and merges.txt")
    }
    guard let merges = try DocumentFile.bytes(mergesFile) else {
      throw PipelineError(.invalidData, "\(folder) has vocab.json but no merges.txt; copy it from the same source")
    }
    var definition = TokenizerDefinition(vocabularyFile: vocabularyFile, mergesFile: mergesFile)
    try definition.takeClass(folder: folder)
    definition.vocabulary = try TokenizerDocument.vocabulary(vocabulary, path: vocabularyFile)
    for (number, line) in merges.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      if line.isEmpty || number == 0 && line.starts(with: "#version".utf8) { continue }
      guard let text = String(validating: line, as: UTF8.self), let pair = TokenizerDocument.pair(text) else {
        throw PipelineError(
          .invalidData, "a merge must be two tokens with a space between",
          at: SourceLocation(file: mergesFile, line: number + 1, column: 1))
      }
      definition.merges.append(pair)
    }
    return definition
  }

  /// These files do not say how text is divided; the tokenizer's class does.
  private mutating func takeClass(folder: String) throws {
    let path = folder + "/tokenizer_config.json"
    guard let name = try DocumentFile.object(path)?["tokenizer_class"]?.stringValue else { return }
    if name.hasPrefix("Qwen2Tokenizer") { return }
    guard name.hasPrefix("GPT2Tokenizer") else {
      throw PipelineError(
        .invalidData,
        "\(path): 'tokenizer_class' is \(name.quotedForMessage); from vocab.json and merges.txt only Qwen2Tokenizer and "
          + "GPT2Tokenizer are read; add the tokenizer.json that transformers saves")
    }
    (composes, pieces) = (false, PieceRules(pattern: .gpt2))
  }
}

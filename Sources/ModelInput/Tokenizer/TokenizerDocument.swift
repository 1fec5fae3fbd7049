// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Reads `tokenizer.json` and refuses, by name, everything that is not supported.
struct TokenizerDocument {
  let path: String
  let root: JSONValue

  func definition() throws -> TokenizerDefinition {
    var definition = TokenizerDefinition(vocabularyFile: path, mergesFile: path)
    guard let model = root["model"], model.objectValue != nil else { throw fault("has no 'model'") }
    try checkModel(model)
    definition.takesWholePieces = model["ignore_merges"] == true
    definition.unknown = model["unk_token"]?.stringValue
    definition.composes = try composes(root["normalizer"] ?? .null)
    switch PieceRules.read(root["pre_tokenizer"] ?? .null) {
    case .success(let rules): definition.pieces = rules
    case .failure(let refusal): throw fault(refusal.message)
    }
    try checkSteps()
    guard let vocabulary = model["vocab"] else { throw fault("has no 'model.vocab'") }
    definition.vocabulary = try Self.vocabulary(vocabulary, path: path)
    guard let merges = model["merges"]?.arrayValue else { throw fault("has no 'model.merges'") }
    definition.merges.reserveCapacity(merges.count)
    for (number, merge) in merges.enumerated() {
      guard let pair = Self.pair(merge) else {
        throw fault("'model.merges.\(number)' must be two tokens with a space between, or an array of two")
      }
      definition.merges.append(pair)
    }
    for (number, token) in (root["added_tokens"]?.arrayValue ?? []).enumerated() {
      guard let id = token["id"]?.intValue else { throw fault("'added_tokens.\(number)' has no id") }
      definition.added.append(try Self.addedToken(token, id: id, place: "\(path): 'added_tokens.\(number)'"))
    }
    return definition
  }

  /// The members of a vocabulary.
  static func vocabulary(_ value: JSONValue, path: String) throws -> [(token: String, id: Int)] {
    guard let members = value.objectValue else {
      throw PipelineError(.invalidData, "\(path): the vocabulary is \(value.kindDescription), it must be an object")
    }
    return try members.map { member in
      guard let id = member.value.intValue else {
        throw PipelineError(.invalidData, "\(path): the id of token \(member.key.quotedForMessage) is no integer")
      }
      return (member.key, id)
    }
  }

  /// A token's description with its flags.
  ///
  /// - Throws: When it has no content, or a flag that is not supported.
  static func addedToken(_ token: JSONValue, id: Int, place: String) throws -> AddedToken {
    guard let content = token["content"]?.stringValue, !content.isEmpty else {
      throw PipelineError(.invalidData, "\(place) has no content")
    }
    for flag in ["lstrip", "rstrip", "single_word"] where token[flag] == true {
      throw PipelineError(
        .invalidData, "\(place): '\(flag)' is set for \(content.quotedForMessage); only tokens without it are supported"
      )
    }
    let kind: AddedToken.Kind = token["special"] == true ? .special : .plain
    // A missing flag has the default of the tokenizers package.
    let search: AddedToken.Search =
      switch token["normalized"] {
      case .bool(let flag)?: flag ? .normalized : .original
      default: kind == .special ? .original : .normalized
      }
    return AddedToken(content: content, id: id, kind: kind, search: search)
  }

  /// Two tokens, from `"a b"` or `["a", "b"]`.
  static func pair(_ value: JSONValue) -> (left: String, right: String)? {
    if let parts = value.arrayValue {
      guard parts.count == 2, let left = parts[0].stringValue, let right = parts[1].stringValue else { return nil }
      return (left, right)
    }
    return value.stringValue.flatMap(pair)
  }

  /// Two tokens separated by one space.
  static func pair(_ text: String) -> (left: String, right: String)? {
    let utf8 = text.utf8
    guard let space = utf8.firstIndex(of: 0x20), utf8.lastIndex(of: 0x20) == space else { return nil }
    guard space > utf8.startIndex, utf8.index(after: space) < utf8.endIndex else { return nil }
    return (String(text[..<space]), String(text[utf8.index(after: space)...]))
  }

  private func fault(_ message: String) -> PipelineError { PipelineError(.invalidData, "\(path) \(message)") }

  private func checkModel(_ model: JSONValue) throws {
    if let type = model["type"], type != "BPE" {
      throw fault("has a model of type \(type.json); only byte-level BPE is supported")
    }
    if model["byte_fallback"] == true {
      throw fault("sets 'model.byte_fallback'; byte-level vocabularies do without, and only they are supported")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = model[key], value != .null, value != "" {
        throw fault("sets 'model.\(key)' to \(value.json); only an empty one is supported")
      }
    }
    if let dropout = model["dropout"], dropout != .null, dropout.doubleValue != 0 {
      throw fault("sets 'model.dropout' to \(dropout.json); only null is supported")
    }
  }

  /// Whether text is put into normalisation form C.
  private func composes(_ normalizer: JSONValue) throws -> Bool {
    let steps = normalizer["type"] == "Sequence" ? normalizer["normalizers"]?.arrayValue ?? [] : [normalizer]
    if steps.isEmpty || steps == [.null] { return false }
    guard steps.count == 1, steps[0]["type"] == "NFC" else {
      throw fault("has the normalizer \(Self.names(of: steps)); only NFC and none are supported")
    }
    return true
  }

  private func checkSteps() throws {
    if let decoder = root["decoder"], decoder["type"] != "ByteLevel" {
      throw fault("has the decoder \(Self.names(of: [decoder])); only ByteLevel is supported")
    }
    let processor = root["post_processor"] ?? .null
    let steps = processor["type"] == "Sequence" ? processor["processors"]?.arrayValue ?? [] : [processor]
    // They move offsets, or put special tokens around a text; those of a prompt are in its chat template.
    for step in steps where step != .null && step["type"] != "ByteLevel" && step["type"] != "TemplateProcessing" {
      throw fault(
        "has the post-processor \(Self.names(of: [step])); only ByteLevel, TemplateProcessing or none is supported")
    }
  }

  /// The types of steps, for messages.
  static func names(of steps: [JSONValue]) -> String {
    steps.isEmpty ? "none" : steps.map { $0["type"]?.stringValue ?? "none" }.joined(separator: ", ")
  }
}

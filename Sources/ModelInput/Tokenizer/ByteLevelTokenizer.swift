// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How special tokens such as `<|im_end|>` are decoded.
package enum SpecialTokens: Sendable {
  /// They are written like any other token.
  case keep
  /// They are left out.
  case skip
}

/// A byte-level BPE tokenizer, such as those of Qwen2 and later, Llama 3, GPT-2 and SmolLM2: text to ids and back.
///
/// The ids equal those of the `tokenizers` package. It may be used from several threads at once. Text must be valid
/// Unicode; added tokens in it, such as `<|im_start|>`, become their ids everywhere.
package struct ByteLevelTokenizer: Sendable {
  /// The bytes of every id.
  // Differs from tokenizers: an added token with letters beyond ASCII decodes to itself, not to the bytes that these
  // letters would spell.
  private let tokenBytes: [[UInt8]]
  private let ids: [[UInt8]: Int32]
  private let isSpecial: [Bool]
  private let encoders: TokenEncoderPool
  private let rules: PieceRules
  /// How many of the 256 bytes have no token; encoding leaves them out, as the `tokenizers` package does.
  package let missingBytes: Int

  /// Reads the tokenizer of a model's folder: `tokenizer.json`, or `vocab.json` and `merges.txt`.
  ///
  /// - Throws: When a file is missing or broken, or asks for something that is not supported; the message names it.
  package init(folder: String) throws {
    let definition = try TokenizerDefinition.read(folder: folder)
    let tables = try TokenTables(definition)
    tokenBytes = tables.bytes
    ids = tables.ids
    var isSpecial = [Bool](repeating: false, count: tables.bytes.count)
    for token in definition.added where token.kind == .special { isSpecial[token.id] = true }
    self.isSpecial = isSpecial
    rules = definition.pieces
    missingBytes = tables.byteTokens.count { $0 < 0 }
    // What encoding needs; the vocabulary is in the tables.
    var rest = definition
    (rest.vocabulary, rest.merges) = ([], [])
    let needed = rest
    encoders = TokenEncoderPool { TokenEncoder(tables: tables, definition: needed) }
  }

  /// How text is divided, in words.
  package var divisionDescription: String {
    let digits =
      switch rules.digits {
      case .together: ""
      case .each: ", digits apart"
      case .runs: ", numbers apart"
      }
    return "byte-level BPE, divided as by \(rules.pattern.title)\(digits)"
  }

  /// One more than the highest id with a token; models often have more rows than that.
  package var count: Int { tokenBytes.count }

  /// The ids of all special tokens, such as those around a message, in ascending order.
  package var specialTokenIDs: [Int] { isSpecial.indices.filter { isSpecial[$0] } }

  /// The id of an added token such as `<|image_pad|>`, or of a token as spelled in the vocabulary.
  package func id(of token: String) -> Int? { ids[Array(token.utf8)].map(Int.init) }

  /// The ids of a text.
  ///
  /// Linear in the text's length, but `n log n` for a piece of `n` bytes without a break.
  package func encode(_ text: String) -> [Int] {
    var text = text
    let output = text.withUTF8 { utf8 in
      encoders.with { encoder in
        var output: [Int32] = []
        output.reserveCapacity(utf8.count / 3)
        encoder.encode(utf8, into: &output)
        return output
      }
    }
    return output.map(Int.init)
  }

  /// The text of ids; invalid UTF-8 becomes U+FFFD, ids without a token become nothing.
  package func decode(_ ids: some Sequence<Int>, specialTokens: SpecialTokens = .keep) -> String {
    var bytes: [UInt8] = []
    for id in ids { bytes.append(contentsOf: self.bytes(of: id, specialTokens: specialTokens)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes of one token, which need not be whole characters; none for an id without a token.
  package func bytes(of id: Int, specialTokens: SpecialTokens = .keep) -> [UInt8] {
    guard tokenBytes.indices.contains(id), specialTokens == .keep || !isSpecial[id] else { return [] }
    return tokenBytes[id]
  }

  /// Checks that a model's placeholders are this tokenizer's, and that the model has a row for every token.
  ///
  /// - Throws: When the two do not match.
  package func check(against config: ModelConfig) throws {
    guard count <= config.text.vocabularySize else {
      throw PipelineError(
        .invalidData,
        "the tokenizer has ids up to \(count - 1), the model only \(config.text.vocabularySize) rows"
          + " (vocab_size); they do not belong together")
    }
    guard let tokens = config.vision?.tokens else { return }
    let placeholders = [
      (ChatTemplate.imagePad, tokens.image, "image_token_id"),
      (ChatTemplate.visionStart, tokens.start, "vision_start_token_id"),
      (ChatTemplate.visionEnd, tokens.end, "vision_end_token_id"),
    ]
    for (token, expected, key) in placeholders where id(of: token) != expected {
      let found = id(of: token).map { "the id \($0)" } ?? "no id"
      throw PipelineError(
        .invalidData, "\(token) has \(found) in the tokenizer, but config.json says \(key) is \(expected)")
    }
  }
}

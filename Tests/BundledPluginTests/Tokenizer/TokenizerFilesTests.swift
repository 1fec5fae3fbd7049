// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Tokenizer files", .timeLimit(.minutes(15)))
struct TokenizerFilesTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The message for the fixture's `tokenizer.json` with one member replaced.
  private func fault(_ place: [String], _ value: JSONValue?) throws -> String {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("tokenizer/tokenizer.json")))
    let document = try JSONValue(parsing: String(decoding: data, as: UTF8.self))
    try scratch.write("tokenizer.json", document.replacing(place, value).json)
    return scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
  }

  @Test(
    "what is not supported is refused by name",
    arguments: [
      (["model", "type"], "WordPiece", #"has a model of type "WordPiece"; only byte-level BPE is supported"#),
      (
        ["model", "byte_fallback"], true,
        "sets 'model.byte_fallback'; byte-level vocabularies do without, and only they are supported"
      ),
      (["model", "dropout"], 0.1, "sets 'model.dropout' to 0.1; only null is supported"),
      (
        ["model", "end_of_word_suffix"], "</w>",
        #"sets 'model.end_of_word_suffix' to "</w>"; only an empty one is supported"#
      ),
      (["normalizer"], ["type": "NFKC"], "has the normalizer NFKC; only NFC and none are supported"),
      (
        ["pre_tokenizer"], ["type": "Whitespace"],
        "has the pre-tokenizer Whitespace; supported are those of Qwen2, Llama 3 and GPT-2, with or without Digits before"
      ),
      (["decoder"], ["type": "WordPiece"], "has the decoder WordPiece; only ByteLevel is supported"),
      (
        ["post_processor"], ["type": "BertProcessing"],
        "has the post-processor BertProcessing; only ByteLevel, TemplateProcessing or none is supported"
      ),
      (["model"], nil, "has no 'model'"),
      (["model", "vocab"], nil, "has no 'model.vocab'"),
      (["model", "merges"], nil, "has no 'model.merges'"),
      (["model", "merges"], ["a b c"], "'model.merges.0' must be two tokens with a space between, or an array of two"),
    ] as [([String], JSONValue?, String)])
  func refusals(place: [String], value: JSONValue?, expected: String) throws {
    #expect(try fault(place, value) == "tokenizer.json " + expected)
  }

  @Test("another pattern is refused")
  func pattern() throws {
    let found = try fault(
      ["pre_tokenizer", "pretokenizers"],
      [
        ["type": "Split", "pattern": ["Regex": "\\w+"], "behavior": "Isolated", "invert": false],
        ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
      ])
    #expect(
      found == #"tokenizer.json splits text by '{"Regex":"\\w+"}'; supported are the patterns of Qwen2, Llama 3, GPT-2"#
    )
  }

  @Test(
    "contradictions are refused",
    arguments: [
      (["model", "merges"], [["t", "qq"]], ": merge 1 needs the token 'qq', which the vocabulary does not have"),
      (["model", "vocab"], ["a": 0], ": no token for the byte 0x20; is it byte-level BPE?"),
      (["model", "vocab"], ["a": 0, "b": 0], ": the id 0 is that of two tokens; one is 'b'"),
      (["model", "vocab"], ["a": -1], ": the id -1 is not in 0..<16777216"),
      (["model", "vocab"], ["a": 99_999_999], ": the id 99999999 is not in 0..<16777216"),
      (["model", "vocab"], ["漢": 0], ": the token '漢' has a character that stands for no byte; is it byte-level BPE?"),
      (["model", "vocab"], ["a": "x"], ": the id of token 'a' is no integer"),
      (["model", "vocab"], [], ": the vocabulary is an array, it must be an object"),
      (
        ["added_tokens"], [["id": 900, "content": "<x>", "lstrip": true]],
        ": 'added_tokens.0': 'lstrip' is set for '<x>'; only tokens without it are supported"
      ),
      (["added_tokens"], [["id": 900]], ": 'added_tokens.0' has no content"),
      (
        ["added_tokens"], [["id": 5, "content": "<x>"]], ": the id 5 of the added token '<x>' is that of another token"
      ),
      (["added_tokens"], [["id": 900, "content": "a"]], ": the added token 'a' has the ids 64 and 900"),
    ] as [([String], JSONValue, String)])
  func contradictions(place: [String], value: JSONValue, expected: String) throws {
    #expect(try fault(place, value) == "tokenizer.json" + expected)
  }

  @Test("merges that were cut off are noticed")
  func cutMerges() throws {
    for file in ["vocab.json", "tokenizer_config.json"] {
      try scratch.copy(Fixture.path("tokenizer/parts/" + file), to: file)
    }
    #expect(
      scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
        == "FOLDER has vocab.json but no merges.txt; copy it from the same source")
    let merges = try String(contentsOfFile: Fixture.path("tokenizer/parts/merges.txt"), encoding: .utf8)
    let lines = merges.split(separator: "\n")
    try scratch.write("merges.txt", lines.dropLast(3).joined(separator: "\n"))
    #expect(
      scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
        .hasPrefix("merges.txt: no merge makes 3 tokens of the vocabulary, the first is '"))
    try scratch.write("merges.txt", "#version: 0.2\nt h\nonly\n")
    #expect(
      scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
        == "merges.txt:3:1: a merge must be two tokens with a space between")
    try scratch.write("merges.txt", merges + lines[1] + "\n")
    #expect(
      scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
        == "merges.txt: merge \(lines.count) is there twice")
  }

  @Test("a mutated file gives an error or a tokenizer, never a crash")
  func mutations() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("tokenizer/tokenizer.json")))
    var draw = PhiloxGenerator(seed: 1, purpose: "tokenizer-files")
    for _ in 0..<400 {
      var bytes = whole
      for _ in 0...Int.random(in: 0...2, using: &draw) {
        bytes[Int.random(in: 0..<bytes.count, using: &draw)] = UInt8.random(in: 0x20...0x7E, using: &draw)
      }
      try scratch.write("tokenizer.json", bytes)
      guard let tokenizer = try? ByteLevelTokenizer(folder: scratch.path) else { continue }
      #expect(tokenizer.decode(tokenizer.encode("The <|im_end|> angle is 60°.")) == "The <|im_end|> angle is 60°.")
    }
  }

  @Test("an empty folder has no tokenizer")
  func nothing() {
    #expect(
      scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
        == "FOLDER has no tokenizer: it needs tokenizer.json, or vocab.json and merges.txt")
  }

  @Test("vocab.json and merges.txt are divided as the tokenizer's class says")
  func classes() throws {
    for file in ["vocab.json", "merges.txt"] { try scratch.copy(Fixture.path("tokenizer/parts/" + file), to: file) }
    #expect(try ByteLevelTokenizer(folder: scratch.path).divisionDescription == "byte-level BPE, divided as by Qwen2")
    try scratch.write("tokenizer_config.json", #"{"tokenizer_class": "GPT2Tokenizer"}"#)
    let plain = try ByteLevelTokenizer(folder: scratch.path)
    #expect(plain.divisionDescription == "byte-level BPE, divided as by GPT-2")
    // Not put into normalisation form C.
    #expect(plain.decode(plain.encode("cafe\u{301}")).unicodeScalars.count == 5)
    try scratch.write("tokenizer_config.json", #"{"tokenizer_class": "LlamaTokenizer"}"#)
    #expect(
      scratch.message { _ = try ByteLevelTokenizer(folder: scratch.path) }
        == "tokenizer_config.json: 'tokenizer_class' is 'LlamaTokenizer'; from vocab.json and merges.txt only Qwen2Tokenizer and "
        + "GPT2Tokenizer are read; add the tokenizer.json that transformers saves")
  }

  @Test("older files name added tokens in added_tokens.json and special_tokens_map.json")
  func olderFiles() throws {
    for file in ["vocab.json", "merges.txt"] { try scratch.copy(Fixture.path("tokenizer/parts/" + file), to: file) }
    try scratch.write("added_tokens.json", #"{"<|im_end|>": 801, "<tool_call>": 802}"#)
    try scratch.write("special_tokens_map.json", #"{"eos_token": {"content": "<|im_end|>"}, "pad_token": "<|p|>"}"#)
    let tokenizer = try ByteLevelTokenizer(folder: scratch.path)
    let ids = tokenizer.encode("a<|im_end|><tool_call>")
    #expect(ids == [64, 801, 802])
    #expect(tokenizer.decode(ids, specialTokens: .skip) == "a<tool_call>")
  }
}

extension JSONValue {
  /// The value with a member somewhere inside it set, or removed by nil.
  fileprivate func replacing(_ place: [String], _ value: JSONValue?) -> JSONValue {
    guard let key = place.first, case .object(var members) = self else { return self }
    guard let index = members.firstIndex(where: { $0.key == key }) else {
      return place.count == 1 && value != nil ? .object(members + [Member(key, value ?? .null)]) : self
    }
    if place.count > 1 {
      members[index].value = members[index].value.replacing(Array(place.dropFirst()), value)
    } else if let value {
      members[index].value = value
    } else {
      members.remove(at: index)
    }
    return .object(members)
  }
}

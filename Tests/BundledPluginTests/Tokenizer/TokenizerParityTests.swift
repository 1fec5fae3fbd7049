// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// Ids and texts that the `tokenizers` package gave; see `Fixtures/make_tokenizer.py`.
@Suite("Tokenizer parity", .timeLimit(.minutes(15)))
struct TokenizerParityTests {
  @Test("a small vocabulary gives the ids and texts of the reference", arguments: ["tokenizer", "tokenizer/parts"])
  func smallVocabulary(folder: String) throws {
    let tokenizer = try ByteLevelTokenizer(folder: Fixture.path(folder))
    let cases = try Fixture.lines(Fixture.path("tokenizer/cases.jsonl"))
    #expect(cases.count > 300)
    for example in cases {
      let text = try #require(example["text"]?.stringValue)
      let ids = try #require(example["ids"]?.arrayValue).compactMap(\.intValue)
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      #expect(ExactText(tokenizer.decode(ids)) == example["decoded"]?.stringValue.map(ExactText.init))
      #expect(
        ExactText(tokenizer.decode(ids, specialTokens: .skip)) == example["plain"]?.stringValue.map(ExactText.init))
    }
  }

  @Test(
    "the vocabulary of Qwen2.5 gives the ids and texts of the reference",
    .enabled(
      if: Outside.oracles != nil && Outside.vocabulary != nil,
      "SHUFFLE_R1_ORACLES and SHUFFLE_R1_QWEN_VOCABULARY do not name the texts and the vocabulary"),
    arguments: ["whole", "parts"])
  func publishedVocabulary(folder: String) throws {
    let tokenizer = try ByteLevelTokenizer(folder: try #require(Outside.vocabulary) + "/" + folder)
    #expect(tokenizer.count == 151_665)
    #expect(tokenizer.id(of: "<|image_pad|>") == 151_655)
    let cases = try Fixture.lines(try #require(Outside.oracles) + "/qwen2_5_tokenizer.jsonl")
    #expect(cases.count == 119)
    for example in cases {
      let text = try #require(example["text"]?.stringValue)
      let ids = try #require(example["ids"]?.arrayValue).compactMap(\.intValue)
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      #expect(ExactText(tokenizer.decode(ids)) == example["decoded"]?.stringValue.map(ExactText.init))
    }
  }

  @Test("every kind of tokenizer gives the ids of the reference")
  func kinds() throws {
    let document = try JSONValue(
      parsing: String(contentsOfFile: Fixture.path("tokenizer/kinds.json"), encoding: .utf8))
    let texts = (document["texts"]?.arrayValue ?? []).compactMap(\.stringValue)
    let kinds = try #require(document["kinds"]?.arrayValue)
    #expect(texts.count > 90 && kinds.count == 10)
    for kind in kinds {
      let name = kind["name"]?.stringValue ?? ""
      let scratch = try Scratch()
      let base = try #require(document["tokenizer"])
      let model = try #require(base["model"]).adding([("ignore_merges", kind["ignore_merges"])])
      let parts = ["normalizer", "pre_tokenizer", "post_processor"].map { ($0, kind[$0]) }
      try scratch.write("tokenizer.json", base.adding([("model", model)] + parts).json)
      let tokenizer = try ByteLevelTokenizer(folder: scratch.path)
      for (text, ids) in zip(texts, kind["ids"]?.arrayValue ?? []) {
        #expect(
          tokenizer.encode(text) == (ids.arrayValue ?? []).compactMap(\.intValue), "\(name): \(text.debugDescription)")
      }
    }
  }

  @Test("the chat template renders as the published one does")
  func chats() throws {
    let tokenizer = try ByteLevelTokenizer(folder: Fixture.path("tokenizer"))
    let cases = try Fixture.lines(Fixture.path("tokenizer/chat.jsonl"))
    #expect(cases.count == 11)
    for example in cases {
      let messages = try ChatMessage.messages(from: try #require(example["messages"]))
      let answer = ChatTemplate.render(messages)
      #expect(answer == example["answer"]?.stringValue)
      #expect(ChatTemplate.render(messages, ending: .lastMessage) == example["last"]?.stringValue)
      #expect(tokenizer.encode(answer) == example["ids"]?.arrayValue?.compactMap(\.intValue))
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Tokenizer", .timeLimit(.minutes(15)))
struct TokenizerTests {
  private let tokenizer: ByteLevelTokenizer

  init() throws { tokenizer = try ByteLevelTokenizer(folder: Fixture.path("tokenizer")) }

  @Test("streamed text never splits a character, and adds up to the decoded text")
  func streaming() throws {
    for example in try Fixture.lines(Fixture.path("tokenizer/cases.jsonl")) {
      let ids = try #require(example["ids"]?.arrayValue).compactMap(\.intValue)
      var stream = StreamingDecoder(tokenizer)
      let pieces = ids.map { stream.append($0) }
      #expect(
        pieces.allSatisfy { !$0.contains("\u{FFFD}") } || example["text"]?.stringValue?.contains("\u{FFFD}") == true)
      #expect(ExactText(pieces.joined() + stream.finish()) == ExactText(tokenizer.decode(ids)))
    }
  }

  @Test("bytes that are no character become U+FFFD, streamed or not")
  func brokenBytes() {
    var draw = PhiloxGenerator(seed: 1, purpose: "tokenizer")
    for _ in 0..<2000 {
      let ids = (0..<Int.random(in: 0..<12, using: &draw)).map { _ in Int.random(in: 0..<260, using: &draw) }
      var stream = StreamingDecoder(tokenizer)
      var text = ""
      for id in ids { text += stream.append(id) }
      text += stream.finish()
      #expect(ExactText(text) == ExactText(tokenizer.decode(ids)))
    }
  }

  @Test("an emoji of several tokens comes out whole, with its last token")
  func emoji() throws {
    let ids = tokenizer.encode("🙂")
    #expect(ids.count == 4)
    var stream = StreamingDecoder(tokenizer)
    #expect(ids.map { stream.append($0) } == ["", "", "", "🙂"])
    _ = stream.append(ids[0])
    #expect(stream.finish() == "\u{FFFD}")
  }

  @Test("special tokens are skipped when asked, plain added ones are not")
  func skipping() {
    let ids = tokenizer.encode("<|im_start|>a<tool_call>b<|im_end|>")
    #expect(tokenizer.decode(ids) == "<|im_start|>a<tool_call>b<|im_end|>")
    #expect(tokenizer.decode(ids, specialTokens: .skip) == "a<tool_call>b")
  }

  @Test("ids without a token decode to nothing")
  func unknownIDs() {
    #expect(tokenizer.decode([-1, tokenizer.count, Int.max]) == "")
    #expect(tokenizer.id(of: "<|nothing|>") == nil)
  }

  @Test("several threads encode at once and agree")
  func threads() async {
    let text = String(repeating: "The triangle's angle is 60°. ", count: 200)
    let expected = tokenizer.encode(text)
    let tokenizer = tokenizer
    await withTaskGroup(of: [Int].self) { group in
      for _ in 0..<16 { group.addTask { tokenizer.encode(text) } }
      for await ids in group { #expect(ids == expected) }
    }
  }

  @Test("a megabyte without a break takes seconds, not hours", .timeLimit(.minutes(10)))
  func longPieces() {
    for text in [
      String(repeating: "a", count: 1 << 20), String(repeating: "triangle", count: 1 << 17),
      String(repeating: " ", count: 1 << 20), String(repeating: "a\u{301}\u{323}", count: 1 << 17),
      "a" + String(repeating: "\u{301}\u{323}", count: 1 << 18), String(repeating: "<|im_", count: 1 << 17),
    ] {
      let ids = tokenizer.encode(text)
      let decoded = tokenizer.decode(ids)
      #expect(tokenizer.encode(decoded) == ids)
      if text.utf8.allSatisfy({ $0 < 0x80 }) { #expect(ExactText(decoded) == ExactText(text)) }
    }
  }

  @Test("more different pieces than the cache holds encode the same")
  func cacheOverflow() {
    let words = (0..<40_000).map { " w\(String($0, radix: 26, uppercase: false).filter(\.isLetter))q\($0 % 7)" }
    let text = words.joined()
    #expect(tokenizer.encode(text) == tokenizer.encode(text))
    #expect(tokenizer.decode(tokenizer.encode(text)) == text)
  }
}

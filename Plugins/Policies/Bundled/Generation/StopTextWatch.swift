// SPDX-License-Identifier: Apache-2.0

import ModelInput

/// Detects stop texts in the text of a response.
struct StopTextWatch {
  private let tokenizer: ByteLevelTokenizer
  private let texts: [[UInt8]]
  private let longest: Int
  private var tails: [Generator.ContinuationPlace: [UInt8]] = [:]

  init(_ tokenizer: ByteLevelTokenizer, texts: [String]) {
    self.tokenizer = tokenizer
    self.texts = texts.map { Array($0.utf8) }
    longest = self.texts.map(\.count).max() ?? 0
  }

  /// Adds a response's next token; returns whether a stop text is complete.
  mutating func holds(_ place: Generator.ContinuationPlace, _ token: Int32) -> Bool {
    // Special tokens are not part of a response's text.
    var tail = tails[place, default: []] + tokenizer.bytes(of: Int(token), specialTokens: .skip)
    let found = texts.contains { text in tail.firstRange(of: text) != nil }
    // The end of the text, where a stop text could still begin.
    tail.removeFirst(max(0, tail.count - longest + 1))
    tails[place] = tail
    return found
  }
}

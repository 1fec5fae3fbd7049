// SPDX-License-Identifier: Apache-2.0

/// Decodes ids as they are generated, and returns text only in whole characters (Unicode scalars).
///
/// The concatenated results of ``append(_:)`` and ``finish()`` equal ``ByteLevelTokenizer/decode(_:specialTokens:)`` for the
/// same ids.
package struct StreamingDecoder: Sendable {
  private let tokenizer: ByteLevelTokenizer
  private let specialTokens: SpecialTokens
  private var pending: [UInt8] = []

  /// Starts a text.
  package init(_ tokenizer: ByteLevelTokenizer, specialTokens: SpecialTokens = .keep) {
    self.tokenizer = tokenizer
    self.specialTokens = specialTokens
  }

  /// The text that one more id completes; empty while a character is incomplete.
  package mutating func append(_ id: Int) -> String {
    pending.append(contentsOf: tokenizer.bytes(of: id, specialTokens: specialTokens))
    let whole = pending.count - Self.unfinishedCount(pending)
    guard whole > 0 else { return "" }
    defer { pending.removeFirst(whole) }
    return String(decoding: pending[..<whole], as: UTF8.self)
  }

  /// The rest at the end: U+FFFD for a character that was not completed.
  package mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// The number of bytes at the end that begin a character which later bytes can complete.
  private static func unfinishedCount(_ bytes: [UInt8]) -> Int {
    for count in 1...3 where count <= bytes.count {
      let lead = bytes[bytes.count - count]
      if lead & 0xC0 == 0x80 { continue }
      let length = lead >= 0xF5 ? 0 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0
      guard length > count else { return 0 }
      return count == 1 || isValid(second: bytes[bytes.count - count + 1], after: lead) ? count : 0
    }
    return 0
  }

  /// Overlong forms, surrogates and values beyond Unicode are recognizable by the second byte.
  private static func isValid(second: UInt8, after lead: UInt8) -> Bool {
    switch lead {
    case 0xE0: second >= 0xA0
    case 0xED: second < 0xA0
    case 0xF0: second >= 0x90
    case 0xF4: second < 0x90
    default: true
    }
  }
}

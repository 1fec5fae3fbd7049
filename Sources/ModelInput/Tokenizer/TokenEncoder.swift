// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Converts text to tokens; has its own working memory and cache, so it serves one thread at a time.
struct TokenEncoder {
  private let byteTokens: [Int32]
  private let wholePieces: [[UInt8]: Int32]
  private let composes: Bool
  private let rules: PieceRules
  private let original: AddedTokenMatcher
  private let normalized: AddedTokenMatcher
  private var merger: BytePairMerger
  private var cache = PieceCache()

  init(tables: TokenTables, definition: TokenizerDefinition) {
    byteTokens = tables.byteTokens
    wholePieces = tables.wholePieces
    (composes, rules) = (definition.composes, definition.pieces)
    let added = definition.added
    original = AddedTokenMatcher(
      added.filter { $0.search == .original }.map { (Array($0.content.utf8), $0.id) })
    normalized = AddedTokenMatcher(
      added.filter { $0.search == .normalized }.map { token in
        let bytes = Array(token.content.utf8)
        let composed = definition.composes ? bytes.withUnsafeBufferPointer { CanonicalComposition.composed($0) } : nil
        return (composed ?? bytes, token.id)
      })
    merger = BytePairMerger(merges: tables.merges)
  }

  /// Appends the tokens of valid UTF-8.
  mutating func encode(_ utf8: UnsafeBufferPointer<UInt8>, into output: inout [Int32]) {
    split(utf8, by: original, into: &output) { encoder, gap, output in
      if encoder.composes, let composed = CanonicalComposition.composed(gap) {
        composed.withUnsafeBufferPointer { encoder.encodeNormalized($0, into: &output) }
      } else {
        encoder.encodeNormalized(gap, into: &output)
      }
    }
  }

  private mutating func encodeNormalized(_ utf8: UnsafeBufferPointer<UInt8>, into output: inout [Int32]) {
    split(utf8, by: normalized, into: &output) { $0.encodePieces($1, into: &$2) }
  }

  /// Appends added tokens, and passes the text between them to `body`.
  private mutating func split(
    _ utf8: UnsafeBufferPointer<UInt8>, by matcher: AddedTokenMatcher, into output: inout [Int32],
    body: (inout TokenEncoder, UnsafeBufferPointer<UInt8>, inout [Int32]) -> Void
  ) {
    var position = 0
    while let match = matcher.first(in: utf8, from: position) {
      if match.range.lowerBound > position {
        body(&self, UnsafeBufferPointer(rebasing: utf8[position..<match.range.lowerBound]), &output)
      }
      output.append(Int32(match.id))
      position = match.range.upperBound
    }
    if position < utf8.count { body(&self, UnsafeBufferPointer(rebasing: utf8[position...]), &output) }
  }

  private mutating func encodePieces(_ utf8: UnsafeBufferPointer<UInt8>, into output: inout [Int32]) {
    var scanner = PieceScanner(utf8, rules: rules)
    while let range = scanner.next() {
      let piece = UnsafeBufferPointer(rebasing: utf8[range])
      if piece.count == 1 {
        if byteTokens[Int(piece[0])] >= 0 { output.append(byteTokens[Int(piece[0])]) }
        continue
      }
      let isKept = piece.count <= PieceCache.longestPiece
      let hash = isKept ? PieceCache.hash(piece) : 0
      if isKept, cache.append(piece, hash: hash, to: &output) { continue }
      let start = output.count
      if !wholePieces.isEmpty, let whole = wholePieces[Array(piece)] {
        output.append(whole)
        if isKept { cache.store(piece, hash: hash, tokens: output[start...]) }
        continue
      }
      byteTokens.withUnsafeBufferPointer { merger.merge(piece, byteTokens: $0, into: &output) }
      if isKept { cache.store(piece, hash: hash, tokens: output[start...]) }
    }
  }
}

/// Idle encoders, as many as threads have encoded at the same time.
final class TokenEncoderPool: Sendable {
  private let make: @Sendable () -> TokenEncoder
  private let idle = Mutex<[TokenEncoder]>([])

  init(_ make: @escaping @Sendable () -> TokenEncoder) { self.make = make }

  /// Runs `body` with an encoder that no other thread uses meanwhile.
  func with<Result>(_ body: (inout TokenEncoder) -> Result) -> Result {
    var encoder = idle.withLock { $0.popLast() } ?? make()
    let result = body(&encoder)
    idle.withLock { $0.append(encoder) }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A tokenizer's tables for encoding and decoding: ids of bytes, merges of ids, bytes of ids.
struct TokenTables {
  /// The token of every byte; -1 for one that has none and is left out.
  private(set) var byteTokens = [Int32](repeating: -1, count: 256)
  private(set) var merges: MergeTable
  /// The bytes of every id; empty for ids without a token.
  private(set) var bytes: [[UInt8]]
  /// The ids of tokens by their spelling in the vocabulary, including added tokens.
  private(set) var ids: [[UInt8]: Int32] = [:]
  /// The tokens of whole pieces by their bytes, for tokenizers that do not merge those.
  private(set) var wholePieces: [[UInt8]: Int32] = [:]

  /// More ids than any vocabulary has: a file with more is broken.
  private static let mostIDs = 1 << 24

  /// Checks a definition and builds its tables.
  ///
  /// - Throws: When ids clash, a byte has no token, or merges and vocabulary do not match.
  init(_ definition: TokenizerDefinition) throws {
    func fault(_ message: String) -> PipelineError {
      PipelineError(.invalidData, "\(definition.vocabularyFile): \(message)")
    }
    let added = Set(definition.added.map { ExactText($0.content) })
    let all = definition.vocabulary.lazy.map(\.id) + definition.added.lazy.map(\.id)
    guard let highest = all.max(), let lowest = all.min() else { throw fault("the vocabulary is empty") }
    guard lowest >= 0, highest < Self.mostIDs else {
      throw fault("the id \(lowest < 0 ? lowest : highest) is not in 0..<\(Self.mostIDs)")
    }
    bytes = [[UInt8]](repeating: [], count: highest + 1)
    ids.reserveCapacity(definition.vocabulary.count + definition.added.count)
    for (token, id) in definition.vocabulary where !token.isEmpty {
      guard bytes[id].isEmpty else {
        throw fault("the id \(id) is that of two tokens; one is \(token.quotedForMessage)")
      }
      if let spelled = ByteAlphabet.bytes(of: token) {
        bytes[id] = spelled
      } else if added.contains(ExactText(token)) {
        bytes[id] = Array(token.utf8)
      } else {
        throw fault(
          "the token \(token.quotedForMessage) has a character that stands for no byte; is it byte-level BPE?")
      }
      guard ids.updateValue(Int32(id), forKey: Array(token.utf8)) == nil else {
        throw fault("the token \(token.quotedForMessage) is there twice")
      }
    }
    for byte in UInt8.min...UInt8.max {
      guard let id = ids[ByteAlphabet.spelling(of: byte)] else {
        // Published vocabularies lack tokens for bytes that their training never saw, but not for plain characters.
        guard byte < 0x20 || byte > 0x7E else {
          throw fault("no token for the byte 0x\(String(byte, radix: 16)); is it byte-level BPE?")
        }
        continue
      }
      byteTokens[Int(byte)] = id
    }
    if let unknown = definition.unknown {
      guard let id = ids[Array(unknown.utf8)] else {
        throw fault("the unknown token \(unknown.quotedForMessage) ('model.unk_token') is not in the vocabulary")
      }
      byteTokens = byteTokens.map { $0 < 0 ? id : $0 }
    }
    if definition.takesWholePieces {
      for (token, id) in definition.vocabulary where !added.contains(ExactText(token)) {
        if let spelled = ByteAlphabet.bytes(of: token) { wholePieces[spelled] = Int32(id) }
      }
    }
    var isMade = [Bool](repeating: false, count: bytes.count)
    merges = try Self.merges(definition, ids: ids, isMade: &isMade)
    if !definition.takesWholePieces { try checkTokensAreMade(definition, added: added, isMade: isMade) }
    try add(definition.added, fault: fault)
  }

  private static func merges(
    _ definition: TokenizerDefinition, ids: [[UInt8]: Int32], isMade: inout [Bool]
  ) throws -> MergeTable {
    var merges: [MergeTable.Merge] = []
    merges.reserveCapacity(definition.merges.count)
    for (number, (left, right)) in definition.merges.enumerated() {
      let left = Array(left.utf8)
      let right = Array(right.utf8)
      guard let leftID = ids[left], let rightID = ids[right], let result = ids[left + right] else {
        let missing = [left, right, left + right].first { ids[$0] == nil } ?? []
        throw PipelineError(
          .invalidData,
          "\(definition.mergesFile): merge \(number + 1) needs the token"
            + " \(String(decoding: missing, as: UTF8.self).quotedForMessage), which the vocabulary does not have")
      }
      isMade[Int(result)] = true
      merges.append(MergeTable.Merge(left: leftID, right: rightID, result: result))
    }
    var duplicate: Int?
    let table = MergeTable(merges, duplicate: &duplicate)
    if let duplicate {
      throw PipelineError(.invalidData, "\(definition.mergesFile): merge \(duplicate + 1) is there twice")
    }
    return table
  }

  /// Truncated merges would go unnoticed and give other tokens, so every token of several bytes must be reachable.
  private func checkTokensAreMade(
    _ definition: TokenizerDefinition, added: Set<ExactText>, isMade: [Bool]
  ) throws {
    let missing = definition.vocabulary.filter {
      bytes[$0.id].count > 1 && !isMade[$0.id] && !added.contains(ExactText($0.token))
    }
    guard let first = missing.first else { return }
    throw PipelineError(
      .invalidData,
      "\(definition.mergesFile): no merge makes \(missing.count) tokens of the vocabulary, the first is"
        + " \(first.token.quotedForMessage); are the merges complete?")
  }

  private mutating func add(_ tokens: [AddedToken], fault: (String) -> PipelineError) throws {
    for token in tokens {
      let spelling = Array(token.content.utf8)
      if let id = ids[spelling] {
        guard Int(id) == token.id else {
          throw fault("the added token \(token.content.quotedForMessage) has the ids \(id) and \(token.id)")
        }
      } else if !bytes[token.id].isEmpty {
        throw fault("the id \(token.id) of the added token \(token.content.quotedForMessage) is that of another token")
      }
      ids[spelling] = Int32(token.id)
      bytes[token.id] = spelling
    }
  }
}

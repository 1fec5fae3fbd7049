// SPDX-License-Identifier: Apache-2.0

/// A token that is searched in the text as a whole, before any other processing.
struct AddedToken: Sendable, Hashable {
  /// Whether the token controls the model, or is ordinary text.
  enum Kind: Sendable { case special, plain }

  /// The text in which it is searched.
  enum Search: Sendable { case original, normalized }

  let content: String
  let id: Int
  let kind: Kind
  let search: Search
}

/// Finds added tokens in text: the leftmost first, at the same place the longest.
struct AddedTokenMatcher: Sendable {
  /// A node of the trie of the tokens' bytes: its children, and the token that ends here or -1.
  private struct Node: Sendable {
    var children: [UInt8: Int] = [:]
    var id = -1
  }

  private var nodes = [Node()]
  private var isFirstByte = [Bool](repeating: false, count: 256)

  /// The place of a token.
  struct Match {
    let range: Range<Int>
    let id: Int
  }

  init(_ tokens: [(bytes: [UInt8], id: Int)]) {
    for token in tokens where !token.bytes.isEmpty {
      isFirstByte[Int(token.bytes[0])] = true
      var node = 0
      for byte in token.bytes {
        if let child = nodes[node].children[byte] {
          node = child
        } else {
          nodes.append(Node())
          nodes[node].children[byte] = nodes.count - 1
          node = nodes.count - 1
        }
      }
      nodes[node].id = token.id
    }
  }

  /// Whether there are no tokens to find.
  var isEmpty: Bool { nodes.count == 1 }

  /// The first match at or after a position.
  func first(in utf8: UnsafeBufferPointer<UInt8>, from position: Int) -> Match? {
    if isEmpty { return nil }
    return isFirstByte.withUnsafeBufferPointer { isFirstByte in
      for start in position..<utf8.count where isFirstByte[Int(utf8[start])] {
        if let match = longest(in: utf8, at: start) { return match }
      }
      return nil
    }
  }

  private func longest(in utf8: UnsafeBufferPointer<UInt8>, at start: Int) -> Match? {
    var found: Match?
    var node = 0
    var end = start
    while end < utf8.count, let child = nodes[node].children[utf8[end]] {
      node = child
      end += 1
      if nodes[node].id >= 0 { found = Match(range: start..<end, id: nodes[node].id) }
    }
    return found
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Divides groups into micro-batches of bounded size, which are computed at a time and kept for the backward pass.
struct MicroBatches {
  /// A group, or some of its responses.
  struct Piece {
    var group: Int
    var responses: Range<Int>
  }

  /// The pieces of each micro-batch.
  private(set) var batches: [[Piece]] = []

  /// Divides in order; a micro-batch has at most `limit` rows, unless a single response with its prompt has more.
  init(_ groups: [PromptGroup], rows limit: Int) {
    var current: [Piece] = []
    var rows = 0
    func close() {
      if !current.isEmpty { batches.append(current) }
      current = []
      rows = 0
    }
    for (index, group) in groups.enumerated() {
      var start = 0
      while start < group.responses.count {
        var size = group.prompt.count
        var end = start
        while end < group.responses.count {
          let more = max(0, group.responses[end].count - 1)
          if end > start, rows + size + more > limit { break }
          // A group that does not fit into the rest begins a new batch.
          if end == start, !current.isEmpty, rows + size + more > limit { close() }
          size += more
          end += 1
        }
        current.append(Piece(group: index, responses: start..<end))
        rows += size
        start = end
        if start < group.responses.count { close() }
      }
    }
    close()
  }
}

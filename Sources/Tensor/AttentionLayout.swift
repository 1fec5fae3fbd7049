// SPDX-License-Identifier: Apache-2.0

/// Which rows of a packed batch attend to which.
///
/// The batch is a list of segments without padding. A row of a segment attends to its own segment, up to itself if the
/// segment is causal, and to all of the segment's prefix: the prompt that several responses share is stored once.
package struct AttentionLayout: Sendable {
  /// Rows that belong together.
  package struct Segment: Sendable, Hashable {
    /// The first row.
    package var start: Int
    /// The number of rows.
    package var count: Int
    /// The index of an earlier segment that all its rows see; that segment has no prefix itself.
    package var prefix: Int?

    /// Describes a segment.
    package init(start: Int, count: Int, prefix: Int? = nil) {
      self.start = start
      self.count = count
      self.prefix = prefix
    }
  }

  /// Rows of one segment within a block, and the rows of their own segment that they see.
  struct Part: Sendable {
    var rows: Range<Int>
    var keys: Range<Int>
  }

  /// Rows that are computed together: they share a prefix.
  struct Block: Sendable {
    var rows: Range<Int>
    var prefix: Range<Int>
    var parts: [Part]
    /// The columns of the widest part, prefix included.
    var width: Int { prefix.count + (parts.map(\.keys.count).max() ?? 0) }
  }

  /// The segments; together they cover all rows, in order.
  package let segments: [Segment]
  /// Whether a row sees only its own segment's rows up to itself.
  package let isCausal: Bool
  /// The number of rows.
  package let rows: Int
  /// For each row, how many rows of its own segment it sees.
  let own: [Int32]
  /// The parts of each tree of a prefix and the segments that see it.
  let trees: [[Block]]

  private static let rowsPerBlock = 96

  /// A layout of segments that follow one another.
  package init(_ segments: [Segment], isCausal: Bool) {
    self.segments = segments
    self.isCausal = isCausal
    rows = segments.last.map { $0.start + $0.count } ?? 0
    var own = [Int32](repeating: 0, count: rows)
    var next = 0
    for (index, segment) in segments.enumerated() {
      precondition(segment.start == next, "segments follow one another")
      next += segment.count
      if let prefix = segment.prefix {
        precondition(prefix < index && segments[prefix].prefix == nil, "a prefix comes before, and has none itself")
      }
      for row in 0..<segment.count { own[segment.start + row] = Int32(isCausal ? row + 1 : segment.count) }
    }
    self.own = own
    trees = Self.trees(of: segments, isCausal: isCausal)
  }

  private static func trees(of segments: [Segment], isCausal: Bool) -> [[Block]] {
    var blocks = [[Block]](repeating: [], count: segments.count)
    for (index, segment) in segments.enumerated() where segment.count > 0 {
      let root = segment.prefix ?? index
      let prefix = segment.prefix.map { segments[$0].start..<segments[$0].start + segments[$0].count } ?? 0..<0
      var row = segment.start
      while row < segment.start + segment.count {
        let end = min(segment.start + segment.count, row + rowsPerBlock)
        let part = Part(
          rows: row..<end, keys: segment.start..<(isCausal ? end : segment.start + segment.count))
        if segment.prefix != nil, let last = blocks[root].last, last.prefix == prefix, last.rows.upperBound == row,
          last.rows.count + part.rows.count <= rowsPerBlock
        {
          blocks[root][blocks[root].count - 1].rows = last.rows.lowerBound..<end
          blocks[root][blocks[root].count - 1].parts.append(part)
        } else {
          blocks[root].append(Block(rows: row..<end, prefix: prefix, parts: [part]))
        }
        row = end
      }
    }
    return blocks.filter { !$0.isEmpty }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Merges the bytes of one piece into tokens: always the pair of the lowest rank, the leftmost among equal ones.
///
/// It has its own working memory, so it serves one thread at a time.
struct BytePairMerger {
  private let merges: MergeTable
  private var tokens: [Int32] = []
  private var ranks: [Int32] = []
  private var results: [Int32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var queue = RankQueue()

  /// Up to this length, repeatedly searching for the best pair is faster than a queue.
  private static let shortLength = 40

  init(merges: MergeTable) { self.merges = merges }

  /// Appends the tokens of a piece to `output`.
  mutating func merge(
    _ piece: UnsafeBufferPointer<UInt8>, byteTokens: UnsafeBufferPointer<Int32>, into output: inout [Int32]
  ) {
    tokens.removeAll(keepingCapacity: true)
    // A byte without a token is left out, as by the tokenizers package.
    for byte in piece where byteTokens[Int(byte)] >= 0 { tokens.append(byteTokens[Int(byte)]) }
    ranks.removeAll(keepingCapacity: true)
    results.removeAll(keepingCapacity: true)
    for index in tokens.indices.dropLast() {
      let entry = merges.entry(tokens[index], tokens[index + 1])
      ranks.append(entry.rank)
      results.append(entry.result)
    }
    if tokens.count <= Self.shortLength { mergeShort() } else { mergeLong() }
    output.append(contentsOf: tokens)
  }

  /// Quadratic in the length, with a very small constant.
  private mutating func mergeShort() {
    while let best = ranks.indices.min(by: { ranks[$0] < ranks[$1] }), ranks[best] != MergeTable.never {
      tokens[best] = results[best]
      tokens.remove(at: best + 1)
      ranks.remove(at: best)
      results.remove(at: best)
      if best < ranks.count { update(pairAt: best, tokens[best], tokens[best + 1]) }
      if best > 0 { update(pairAt: best - 1, tokens[best - 1], tokens[best]) }
    }
  }

  private mutating func update(pairAt index: Int, _ left: Int32, _ right: Int32) {
    let entry = merges.entry(left, right)
    ranks[index] = entry.rank
    results[index] = entry.result
  }

  /// `n log n` in the length: a list of the remaining tokens, and a queue of pairs by rank and position.
  private mutating func mergeLong() {
    let count = tokens.count
    let end = Int32(count)
    next = (1...end).map { $0 }
    previous = (-1..<end - 1).map { $0 }
    ranks.append(MergeTable.never)
    results.append(-1)
    queue.removeAll()
    for index in 0..<count where ranks[index] != MergeTable.never { queue.insert(rank: ranks[index], at: index) }
    while let (rank, index) = queue.removeFirst() {
      // A pair that changed since it was queued has been queued again with its new rank.
      guard ranks[index] == rank else { continue }
      tokens[index] = results[index]
      let merged = Int(next[index])
      tokens[merged] = -1
      ranks[merged] = MergeTable.never
      next[index] = next[merged]
      if next[index] < end { previous[Int(next[index])] = Int32(index) }
      requeue(index, end: end)
      if previous[index] >= 0 { requeue(Int(previous[index]), end: end) }
    }
    tokens.removeAll { $0 < 0 }
  }

  private mutating func requeue(_ index: Int, end: Int32) {
    guard next[index] < end else {
      ranks[index] = MergeTable.never
      return
    }
    update(pairAt: index, tokens[index], tokens[Int(next[index])])
    if ranks[index] != MergeTable.never { queue.insert(rank: ranks[index], at: index) }
  }
}

/// Pairs ordered by rank, then position: a binary heap.
private struct RankQueue {
  private var heap: [UInt64] = []

  mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

  mutating func insert(rank: Int32, at position: Int) {
    heap.append(UInt64(rank) << 32 | UInt64(position))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if heap[parent] <= heap[child] { break }
      heap.swapAt(parent, child)
      child = parent
    }
  }

  mutating func removeFirst() -> (rank: Int32, position: Int)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var child = 2 * parent + 1
        if child >= heap.count { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        if heap[parent] <= heap[child] { break }
        heap.swapAt(parent, child)
        parent = child
      }
    }
    return (Int32(first >> 32), Int(first & 0xFFFF_FFFF))
  }
}

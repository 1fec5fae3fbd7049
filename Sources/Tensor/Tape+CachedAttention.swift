// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The cache of generation: the keys and values of each prompt once, and of each continuation.
package struct CachedAttention {
  /// Continuations of one prompt.
  package struct Group {
    /// Their rows in this step.
    package var rows: Range<Int>
    /// The prompt's keys and values, side by side: [prompt tokens, 2 · key-value heads · size].
    package var prompt: Matrix<Float>

    /// Rows that continue a prompt.
    package init(rows: Range<Int>, prompt: Matrix<Float>) {
      self.rows = rows
      self.prompt = prompt
    }
  }

  /// The rows' prompts; together they cover all rows.
  package var groups: [Group]
  /// Keys and values of continuations, side by side: [slots · capacity, 2 · key-value heads · size].
  package var continuations: Matrix<Float>
  /// The first row of `continuations` that belongs to each row of this step.
  package var starts: [Int]
  /// How many tokens of each row are in `continuations`, this step's included.
  package var counts: [Int]

  /// Caches of one layer.
  package init(groups: [Group], continuations: Matrix<Float>, starts: [Int], counts: [Int]) {
    self.groups = groups
    self.continuations = continuations
    self.starts = starts
    self.counts = counts
  }
}

extension Tape<Float> {
  /// Attention of one new token for each row over its prompt and its continuation.
  ///
  /// Rotates queries and keys of `projection` in place, puts keys and values into the cache, and returns [rows, heads ·
  /// size]. Without gradients.
  package func attention(
    _ projection: Matrix<Float>, heads: AttentionHeads, angles: RotaryAngles<Float>, cache: CachedAttention
  ) -> Variable<Float> {
    rotate(projection, heads, angles, direction: 1)
    let width = heads.keyValueCount * heads.size
    for (row, start) in cache.starts.enumerated() {
      let target = cache.continuations.pointer + (start + cache.counts[row] - 1) * 2 * width
      target.update(from: projection.pointer + row * projection.columns + heads.keyOffset, count: 2 * width)
    }
    let output = matrix(projection.rows, heads.count * heads.size)
    let parts = cache.groups.flatMap { group in
      stride(from: group.rows.lowerBound, to: group.rows.upperBound, by: 16).map { start in
        CachedAttention.Group(rows: start..<min(group.rows.upperBound, start + 16), prompt: group.prompt)
      }
    }
    workers.forEach(parts.count * heads.keyValueCount) { index in
      attend(
        parts[index / heads.keyValueCount], keyValueHead: index % heads.keyValueCount, projection, heads, cache,
        into: output)
    }
    return constant(output)
  }

  /// The query heads of some rows that share a head of keys and values.
  private func attend(
    _ group: CachedAttention.Group, keyValueHead: Int, _ projection: Matrix<Float>, _ heads: AttentionHeads,
    _ cache: CachedAttention, into output: Matrix<Float>
  ) {
    let size = heads.size
    let width = heads.keyValueCount * size
    let column = keyValueHead * size
    let queryHeads = heads.queryHeads(of: keyValueHead)
    let common = group.prompt.rows
    let lds = common + (group.rows.map { cache.counts[$0] }.max() ?? 0)
    let queries = projection.pointer + queryHeads.lowerBound * size
    let target = output.pointer + queryHeads.lowerBound * size
    let scale = 1 / Double(size).squareRoot()
    withUnsafeTemporaryAllocation(of: Float.self, capacity: group.rows.count * queryHeads.count * lds) { buffer in
      guard let scores = buffer.baseAddress else { return }
      for head in 0..<queryHeads.count {
        ck_gemm(
          CK_FLOAT, false, true, group.rows.count, common, size, 1,
          queries + group.rows.lowerBound * projection.columns + head * size, projection.columns,
          group.prompt.pointer + column, 2 * width, 0, scores + head * lds, queryHeads.count * lds)
      }
      for row in group.rows {
        let keys = cache.continuations.pointer + cache.starts[row] * 2 * width + column
        let out = target + row * output.columns
        out.update(repeating: 0, count: queryHeads.count * size)
        ck_attend_cached(
          CK_FLOAT, queryHeads.count, common, cache.counts[row], size, scale, queries + row * projection.columns, keys,
          keys + width, 2 * width, scores + (row - group.rows.lowerBound) * queryHeads.count * lds, lds, out)
      }
      for head in 0..<queryHeads.count {
        ck_gemm(
          CK_FLOAT, false, false, group.rows.count, size, common, 1, scores + head * lds, queryHeads.count * lds,
          group.prompt.pointer + width + column, 2 * width, 1,
          target + group.rows.lowerBound * output.columns + head * size, output.columns)
      }
    }
  }
}

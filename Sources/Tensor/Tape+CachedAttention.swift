// SPDX-License-Identifier: Apache-2.0
import CKernels

/// What generation keeps of the tokens so far: the keys and values of each prompt once, and of each continuation.
public struct CachedAttention {
  /// Continuations of one prompt.
  public struct Group {
    /// Their rows in this step.
    public var rows: Range<Int>
    /// The prompt's keys and values, side by side: [prompt tokens, 2 · key-value heads · size].
    public var prompt: Matrix<Float>

    /// Rows that continue a prompt.
    public init(rows: Range<Int>, prompt: Matrix<Float>) {
      self.rows = rows
      self.prompt = prompt
    }
  }

  /// The rows' prompts; together they cover all rows.
  public var groups: [Group]
  /// Keys and values of continuations, side by side: [slots · capacity, 2 · key-value heads · size].
  public var continuations: Matrix<Float>
  /// The first row of `continuations` that belongs to each row of this step.
  public var starts: [Int]
  /// How many tokens of each row are in `continuations`, this step's included.
  public var counts: [Int]

  /// Caches of one layer.
  public init(groups: [Group], continuations: Matrix<Float>, starts: [Int], counts: [Int]) {
    self.groups = groups
    self.continuations = continuations
    self.starts = starts
    self.counts = counts
  }
}

extension Tape<Float> {
  /// Attention of one new token for each row over its prompt and its continuation.
  ///
  /// Rotates queries and keys of `projection` in place, puts keys and values into the cache, and returns
  /// [rows, heads · size]. For values alone.
  public func attention(
    _ projection: Matrix<Float>, heads: AttentionHeads, angles: RotaryAngles<Float>, cache: CachedAttention
  ) -> Variable<Float> {
    rotate(projection, heads, angles, direction: 1)
    let width = heads.keyValueCount * heads.size
    for (row, start) in cache.starts.enumerated() {
      let target = cache.continuations.pointer + (start + cache.counts[row] - 1) * 2 * width
      target.update(from: projection.pointer + row * projection.columns + heads.keyOffset, count: 2 * width)
    }
    let output = matrix(projection.rows, heads.count * heads.size)
    workers.forEach(cache.groups.count * heads.count) { index in
      attend(
        cache.groups[index / heads.count], head: index % heads.count, projection, heads, cache, into: output)
    }
    return constant(output)
  }

  private func attend(
    _ group: CachedAttention.Group, head: Int, _ projection: Matrix<Float>, _ heads: AttentionHeads,
    _ cache: CachedAttention, into output: Matrix<Float>
  ) {
    let size = heads.size
    let width = heads.keyValueCount * size
    let column = head / (heads.count / heads.keyValueCount) * size
    let common = group.prompt.rows
    let longest = group.rows.map { cache.counts[$0] }.max() ?? 0
    let stride = common + longest
    let queries = projection.pointer + head * size
    let target = output.pointer + head * size
    let scale = 1 / Double(size).squareRoot()
    withUnsafeTemporaryAllocation(of: Float.self, capacity: group.rows.count * stride) { buffer in
      guard let scores = buffer.baseAddress else { return }
      ck_gemm(
        CK_FLOAT, false, true, group.rows.count, common, size, 1,
        queries + group.rows.lowerBound * projection.columns, projection.columns, group.prompt.pointer + column,
        2 * width, 0, scores, stride)
      for row in group.rows {
        let keys = cache.continuations.pointer + cache.starts[row] * 2 * width + column
        (target + row * output.columns).update(repeating: 0, count: size)
        ck_attend_cached(
          CK_FLOAT, common, cache.counts[row], size, scale, queries + row * projection.columns, keys, keys + width,
          2 * width, scores + (row - group.rows.lowerBound) * stride, target + row * output.columns)
      }
      ck_gemm(
        CK_FLOAT, false, false, group.rows.count, size, common, 1, scores, stride,
        group.prompt.pointer + width + column, 2 * width, 1,
        target + group.rows.lowerBound * output.columns, output.columns)
    }
  }
}

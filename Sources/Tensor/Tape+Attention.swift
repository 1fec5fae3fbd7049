// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The heads of an attention layer.
package struct AttentionHeads: Sendable, Hashable {
  /// Query heads.
  package let count: Int
  /// Key and value heads; each serves `count / keyValueCount` query heads.
  package let keyValueCount: Int
  /// Elements of a head.
  package let size: Int

  /// Describes heads.
  package init(count: Int, keyValueCount: Int, size: Int) {
    precondition(count % keyValueCount == 0, "query heads are a multiple of key and value heads")
    self.count = count
    self.keyValueCount = keyValueCount
    self.size = size
  }

  /// Columns of queries, keys and values side by side.
  package var projectionWidth: Int { (count + 2 * keyValueCount) * size }
  /// The column at which keys begin.
  package var keyOffset: Int { count * size }
  /// The column at which values begin.
  package var valueOffset: Int { (count + keyValueCount) * size }
}

/// The rotary angles of each row: cosines and sines [rows, head size / 2].
package struct RotaryAngles<S: Scalar> {
  /// Cosines.
  package let cosines: Matrix<S>
  /// Sines.
  package let sines: Matrix<S>

  /// Angles of rows.
  package init(cosines: Matrix<S>, sines: Matrix<S>) {
    self.cosines = cosines
    self.sines = sines
  }
}

extension Tape {
  /// Scaled dot-product attention with rotary positions.
  ///
  /// `projection` [n, (heads + 2 · key-value heads) · size] contains queries, keys and values side by side; queries and
  /// keys are rotated in place. The result is [n, heads · size]. Probabilities are not kept: the backward pass
  /// recomputes them from their log-sums, block by block (Dao et al., "FlashAttention").
  package func attention(
    _ projection: Variable<S>, heads: AttentionHeads, layout: AttentionLayout, angles: RotaryAngles<S>?
  ) -> Variable<S> {
    precondition(projection.value.columns == heads.projectionWidth && projection.value.rows == layout.rows)
    rotate(projection.value, heads, angles, direction: 1)
    let y = variable(matrix(layout.rows, heads.count * heads.size), needsGradient: projection.needsGradient)
    let logSums = matrix(layout.rows, heads.count)
    let work = AttentionWork(
      projection: projection.value, output: y.value, logSums: logSums, heads: heads, layout: layout)
    let blocks = layout.trees.flatMap(\.self)
    workers.forEach(blocks.count * heads.count) { index in
      work.forward(blocks[index / heads.count], head: index % heads.count)
    }
    record { [self] in
      guard let dy = y.gradient, projection.needsGradient else { return }
      precondition(projection.gradient == nil, "the input of attention has one use")
      let dprojection = projection.gradientSum()
      workers.forEach(layout.trees.count * heads.keyValueCount) { index in
        for block in layout.trees[index / heads.keyValueCount] {
          for head in heads.queryHeads(of: index % heads.keyValueCount) {
            work.backward(block, head: head, dy: dy, dprojection: dprojection)
          }
        }
      }
      rotate(dprojection, heads, angles, direction: -1)
    }
    return y
  }

  func rotate(
    _ projection: Matrix<S>, _ heads: AttentionHeads, _ angles: RotaryAngles<S>?, direction: Double
  ) {
    guard let angles else { return }
    workers.forEachPart(of: projection.rows, size: 128) { r in
      let at = r.lowerBound * heads.size / 2
      ck_rotate(
        S.kernelType, r.count, heads.count + heads.keyValueCount, heads.size, angles.cosines.pointer + at,
        angles.sines.pointer + at, direction, projection.pointer + r.lowerBound * projection.columns,
        projection.columns)
    }
  }
}

extension AttentionHeads {
  /// The query heads of a key and value head.
  func queryHeads(of keyValueHead: Int) -> Range<Int> {
    let share = count / keyValueCount
    return keyValueHead * share..<(keyValueHead + 1) * share
  }
}

/// One layer's attention, divided into blocks of rows.
private struct AttentionWork<S: Scalar> {
  let projection: Matrix<S>
  let output: Matrix<S>
  let logSums: Matrix<S>
  let heads: AttentionHeads
  let layout: AttentionLayout

  private var stride: Int { projection.columns }
  private var scale: Double { 1 / Double(heads.size).squareRoot() }

  private func queries(_ row: Int, _ head: Int) -> UnsafeMutablePointer<S> {
    projection.pointer + row * stride + head * heads.size
  }
  private func keyColumn(_ head: Int) -> Int {
    heads.keyOffset + head / (heads.count / heads.keyValueCount) * heads.size
  }
  private func valueColumn(_ head: Int) -> Int {
    heads.valueOffset + head / (heads.count / heads.keyValueCount) * heads.size
  }

  /// Raw scores of a block: [rows, prefix + own].
  private func scores(_ block: AttentionLayout.Block, head: Int, into scores: UnsafeMutablePointer<S>) {
    let keys = projection.pointer + keyColumn(head)
    product(
      block.rows, queries(0, head), stride, keys + block.prefix.lowerBound * stride, block.prefix.count, scores,
      block, column: 0)
    for part in block.parts {
      product(
        part.rows, queries(0, head), stride, keys + part.keys.lowerBound * stride, part.keys.count, scores, block,
        column: block.prefix.count)
    }
  }

  /// scores[rows, column...] = left[rows] · rightᵀ.
  private func product(
    _ rows: Range<Int>, _ left: UnsafeMutablePointer<S>, _ leftStride: Int, _ right: UnsafeMutablePointer<S>,
    _ columns: Int, _ scores: UnsafeMutablePointer<S>, _ block: AttentionLayout.Block, column: Int
  ) {
    ck_gemm(
      S.kernelType, false, true, rows.count, columns, heads.size, 1, left + rows.lowerBound * leftStride, leftStride,
      right, stride, 0, scores + (rows.lowerBound - block.rows.lowerBound) * block.width + column, block.width)
  }

  func forward(_ block: AttentionLayout.Block, head: Int) {
    let width = block.width
    let values = projection.pointer + valueColumn(head)
    withUnsafeTemporaryAllocation(of: S.self, capacity: block.rows.count * width) { buffer in
      guard let scratch = buffer.baseAddress else { return }
      scores(block, head: head, into: scratch)
      for part in block.parts {
        let at = part.rows.lowerBound - block.rows.lowerBound
        layout.own.withUnsafeBufferPointer { own in
          ck_masked_softmax(
            S.kernelType, part.rows.count, block.prefix.count, own.baseAddress.map { $0 + part.rows.lowerBound },
            block.prefix.count + part.keys.count, scale, scratch + at * width, width,
            logSums.pointer + part.rows.lowerBound * heads.count + head, heads.count)
        }
      }
      let target = output.pointer + head * heads.size
      if !block.prefix.isEmpty {
        ck_gemm(
          S.kernelType, false, false, block.rows.count, heads.size, block.prefix.count, 1, scratch, width,
          values + block.prefix.lowerBound * stride, stride, 0, target + block.rows.lowerBound * output.columns,
          output.columns)
      }
      for part in block.parts {
        let at = part.rows.lowerBound - block.rows.lowerBound
        ck_gemm(
          S.kernelType, false, false, part.rows.count, heads.size, part.keys.count, 1,
          scratch + at * width + block.prefix.count, width, values + part.keys.lowerBound * stride, stride,
          block.prefix.isEmpty ? 0 : 1, target + part.rows.lowerBound * output.columns, output.columns)
      }
    }
  }

  func backward(_ block: AttentionLayout.Block, head: Int, dy: Matrix<S>, dprojection: Matrix<S>) {
    let width = block.width
    let dout = dy.pointer + head * heads.size
    let size = block.rows.count * width
    withUnsafeTemporaryAllocation(of: S.self, capacity: 2 * size + block.rows.count) { buffer in
      guard let p = buffer.baseAddress else { return }
      let dp = p + size
      let dots = dp + size
      scores(block, head: head, into: p)
      let values = projection.pointer + valueColumn(head)
      product(
        block.rows, dout, dy.columns, values + block.prefix.lowerBound * stride, block.prefix.count, dp, block,
        column: 0)
      ck_row_dots(
        S.kernelType, block.rows.count, heads.size, dout + block.rows.lowerBound * dy.columns, dy.columns,
        output.pointer + head * heads.size + block.rows.lowerBound * output.columns, output.columns, dots, 1)
      for part in block.parts {
        let at = part.rows.lowerBound - block.rows.lowerBound
        product(
          part.rows, dout, dy.columns, values + part.keys.lowerBound * stride, part.keys.count, dp, block,
          column: block.prefix.count)
        layout.own.withUnsafeBufferPointer { own in
          ck_masked_softmax_again(
            S.kernelType, part.rows.count, block.prefix.count, own.baseAddress.map { $0 + part.rows.lowerBound },
            block.prefix.count + part.keys.count, scale, p + at * width, width,
            logSums.pointer + part.rows.lowerBound * heads.count + head, heads.count)
        }
        addTransposed(
          p + at * width + block.prefix.count, part, dout, dy.columns, dprojection, valueColumn(head), width)
        ck_softmax_backward(
          S.kernelType, part.rows.count, block.prefix.count + part.keys.count, scale, p + at * width, width,
          dots + at, 1, dp + at * width, width)
      }
      if !block.prefix.isEmpty {
        let whole = AttentionLayout.Part(rows: block.rows, keys: block.prefix)
        addTransposed(p, whole, dout, dy.columns, dprojection, valueColumn(head), width)
        addTransposed(dp, whole, queries(0, head), stride, dprojection, keyColumn(head), width)
        addToQueries(dp, whole, head, dprojection, width)
      }
      for part in block.parts {
        let at = dp + (part.rows.lowerBound - block.rows.lowerBound) * width + block.prefix.count
        addTransposed(at, part, queries(0, head), stride, dprojection, keyColumn(head), width)
        addToQueries(at, part, head, dprojection, width)
      }
    }
  }

  /// dprojection[keys, column...] += scoresᵀ · right[rows].
  private func addTransposed(
    _ scores: UnsafeMutablePointer<S>, _ part: AttentionLayout.Part, _ right: UnsafeMutablePointer<S>,
    _ rightStride: Int, _ dprojection: Matrix<S>, _ column: Int, _ width: Int
  ) {
    ck_gemm(
      S.kernelType, true, false, part.keys.count, heads.size, part.rows.count, 1, scores, width,
      right + part.rows.lowerBound * rightStride, rightStride, 1,
      dprojection.pointer + part.keys.lowerBound * stride + column, stride)
  }

  /// dqueries[rows] += dscores · keys.
  private func addToQueries(
    _ dscores: UnsafeMutablePointer<S>, _ part: AttentionLayout.Part, _ head: Int, _ dprojection: Matrix<S>,
    _ width: Int
  ) {
    ck_gemm(
      S.kernelType, false, false, part.rows.count, heads.size, part.keys.count, 1, dscores, width,
      projection.pointer + part.keys.lowerBound * stride + keyColumn(head), stride, 1,
      dprojection.pointer + part.rows.lowerBound * stride + head * heads.size, stride)
  }
}

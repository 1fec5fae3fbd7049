// SPDX-License-Identifier: Apache-2.0
import Foundation
import RoundingBounds
import Tensor
import Testing

@Suite("Attention over a cache", .timeLimit(.minutes(15)))
struct CachedAttentionTests {
  private let pool = MemoryPool()

  private func numbers(_ rows: Int, _ columns: Int) -> Matrix<Float> {
    let matrix = Matrix<Float>(rows: rows, columns: columns, pool: pool)
    matrix.fill((0..<rows * columns).map { Float(sin(Double($0) * 0.7 + Double($0 % 7))) })
    return matrix
  }

  private func angles(_ rows: [Int], pairs: Int) -> RotaryAngles<Float> {
    let (cosines, sines) = (
      Matrix<Float>(rows: rows.count, columns: pairs, pool: pool),
      Matrix<Float>(rows: rows.count, columns: pairs, pool: pool)
    )
    cosines.fill(rows.flatMap { row in (0..<pairs).map { Float(cos(Double(row * ($0 + 1)) * 0.1)) } })
    sines.fill(rows.flatMap { row in (0..<pairs).map { Float(sin(Double(row * ($0 + 1)) * 0.1)) } })
    return RotaryAngles(cosines: cosines, sines: sines)
  }

  /// Two prompts with 18 and 1 continuations, token by token, against the packed computation of the whole.
  @Test("token by token is the same as all at once", arguments: [(4, 2), (6, 1), (5, 5)])
  func steps(_ count: Int, _ keyValueCount: Int) {
    let heads = AttentionHeads(count: count, keyValueCount: keyValueCount, size: 6)
    let (prompts, continuations, length) = ([5, 3], [18, 1], 4)
    var segments: [AttentionLayout.Segment] = []
    var positions: [Int] = []
    for (prompt, number) in zip(prompts, continuations) {
      let root = segments.count
      segments.append(.init(start: positions.count, count: prompt))
      positions += 0..<prompt
      for _ in 0..<number {
        segments.append(.init(start: positions.count, count: length, prefix: root))
        positions += prompt..<prompt + length
      }
    }
    let layout = AttentionLayout(segments, isCausal: true)
    let raw = numbers(layout.rows, heads.projectionWidth)
    let whole = Matrix<Float>(rows: layout.rows, columns: heads.projectionWidth, pool: pool)
    whole.fill(raw.elements)
    let tape = Tape<Float>(workers: Workers(threads: 2), pool: pool, isRecording: false)
    let expected = tape.attention(
      tape.constant(whole), heads: heads, layout: layout, angles: angles(positions, pairs: heads.size / 2)
    ).value

    // Sums of 6 products for a score and of up to 9 for the output. Of numbers up to 1, scores reach 6 / √6; a relative
    // change of theirs changes probabilities by twice that share, and an average of values up to 1 by no more.
    let bound = RoundingBound(terms: 9).difference(change: 2 * 6 / Float(6).squareRoot(), relative: 1, scale: 1)

    let width = 2 * keyValueCount * heads.size
    let roots = segments.filter { $0.prefix == nil }
    // The prompts' keys and values, rotated by the computation above.
    let caches = roots.map { root in
      let cache = Matrix<Float>(rows: root.count, columns: width, pool: pool)
      for row in 0..<root.count {
        (cache.pointer + row * width).update(
          from: whole.pointer + (root.start + row) * whole.columns + heads.keyOffset, count: width)
      }
      return cache
    }
    let leaves = segments.filter { $0.prefix != nil }
    let cache = Matrix<Float>(rows: leaves.count * length, columns: width, pool: pool)
    for step in 0..<length {
      let projection = Matrix<Float>(rows: leaves.count, columns: heads.projectionWidth, pool: pool)
      for (row, leaf) in leaves.enumerated() {
        (projection.pointer + row * raw.columns).update(
          from: raw.pointer + (leaf.start + step) * raw.columns, count: raw.columns)
      }
      let found = tape.attention(
        projection, heads: heads,
        angles: angles(leaves.map { positions[$0.start + step] }, pairs: heads.size / 2),
        cache: CachedAttention(
          groups: [.init(rows: 0..<18, prompt: caches[0]), .init(rows: 18..<19, prompt: caches[1])],
          continuations: cache, starts: (0..<leaves.count).map { $0 * length },
          counts: [Int](repeating: step + 1, count: leaves.count))
      ).value
      for (row, leaf) in leaves.enumerated() {
        for column in 0..<found.columns {
          let difference = abs(
            found.pointer[row * found.columns + column]
              - expected.pointer[(leaf.start + step) * found.columns + column])
          #expect(difference < bound)
        }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@Suite("Attention", .timeLimit(.minutes(15)))
struct AttentionTests {
  private let differences = FiniteDifferences()

  /// The plain definition, row by row.
  private func reference(_ projection: Matrix<Double>, _ heads: AttentionHeads, sees: (Int, Int) -> Bool) -> [Double] {
    var result: [Double] = []
    let width = projection.columns
    for row in 0..<projection.rows {
      for head in 0..<heads.count {
        let keyHead = head / (heads.count / heads.keyValueCount)
        let query = (0..<heads.size).map { projection.pointer[row * width + head * heads.size + $0] }
        let seen = (0..<projection.rows).filter { sees(row, $0) }
        let scores = seen.map { other in
          (0..<heads.size).reduce(0.0) {
            $0 + query[$1] * projection.pointer[other * width + heads.keyOffset + keyHead * heads.size + $1]
          } / Double(heads.size).squareRoot()
        }
        let greatest = scores.max() ?? 0
        let weights = scores.map { exp($0 - greatest) }
        let sum = weights.reduce(0, +)
        for element in 0..<heads.size {
          result.append(
            zip(seen, weights).reduce(0.0) {
              $0 + $1.1 / sum
                * projection.pointer[$1.0 * width + heads.valueOffset + keyHead * heads.size + element]
            })
        }
      }
    }
    return result
  }

  /// What rounding may do in double precision.
  ///
  /// A sum of 190 products errs by 190 · 2^-53 of its terms at most. Values are up to 1; scores are up
  /// to √6, and twice their error is a probability's: six times that in all, for each of two computations.
  private let bound = 2 * 6 * 190 * 0x1p-53

  @Test("a shared prefix is seen by the segments behind it, and by nobody else")
  func sharedPrefix() {
    let heads = AttentionHeads(count: 4, keyValueCount: 2, size: 6)
    // Longer than a block, several segments in one block, an empty segment, a second tree.
    let lengths = [150, 40, 0, 30, 120, 7, 5, 2]
    let prefixes: [Int?] = [nil, 0, 0, 0, 0, nil, 5, 5]
    let sample = AttentionCase(lengths: lengths, prefixes: prefixes, heads: 4, keyValueHeads: 2, isCausal: true)
    let projection = differences.numbers(sample.layout.rows, heads.projectionWidth, seed: 5)
    var segment: [Int] = []
    for (index, length) in lengths.enumerated() { segment += [Int](repeating: index, count: length) }
    let expected = reference(projection, heads) { row, other in
      segment[row] == segment[other] ? other <= row : prefixes[segment[row]] == segment[other]
    }
    let tape = Tape<Double>(workers: differences.workers, pool: differences.pool, isRecording: false)
    let result = tape.attention(tape.constant(projection), heads: heads, layout: sample.layout, angles: nil)
    let worst = zip(result.value.elements, expected).map { abs($0 - $1) }.max() ?? 1
    #expect(worst < bound)
  }

  @Test("windows see all of themselves")
  func windows() {
    let heads = AttentionHeads(count: 2, keyValueCount: 2, size: 4)
    let sample = AttentionCase(
      lengths: [100, 3, 130], prefixes: [nil, nil, nil], heads: 2, keyValueHeads: 2, isCausal: false)
    let projection = differences.numbers(sample.layout.rows, heads.projectionWidth, seed: 8)
    var segment: [Int] = []
    for (index, length) in sample.lengths.enumerated() { segment += [Int](repeating: index, count: length) }
    let expected = reference(projection, heads) { segment[$0] == segment[$1] }
    let tape = Tape<Double>(workers: differences.workers, pool: differences.pool, isRecording: false)
    let result = tape.attention(tape.constant(projection), heads: heads, layout: sample.layout, angles: nil)
    #expect((zip(result.value.elements, expected).map { abs($0 - $1) }.max() ?? 1) < bound)
  }
}

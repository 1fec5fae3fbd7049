// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@Suite("Backward passes against finite differences", .timeLimit(.minutes(15)))
struct OperationTests {
  let differences = FiniteDifferences()

  @Test("linear", arguments: [(1, 1, 1), (3, 5, 2), (7, 4, 9)])
  func linear(_ rows: Int, _ depth: Int, _ columns: Int) {
    differences.check([(rows, depth), (columns, depth), (1, columns)]) { $0.linear($1[0], $1[1], bias: $1[2]) }
    differences.check([(rows, depth), (columns, depth)]) { $0.linear($1[0], $1[1]) }
  }

  @Test("linear in several parts")
  func manyParts() {
    // Large enough to be cut by row and by column; only the inputs that are few are checked one by one.
    differences.check([(1, 130), (1, 130)], tolerance: 1e-5) { tape, inputs in
      let x = tape.rows(of: inputs[0], at: [Int32](repeating: 0, count: 200))
      let weight = tape.rows(of: inputs[1], at: [Int32](repeating: 0, count: 160))
      return tape.linear(x, weight)
    }
  }

  @Test("RMS norm", arguments: [(1, 1), (3, 7), (5, 33)])
  func rmsNorm(_ rows: Int, _ width: Int) {
    differences.check([(rows, width), (1, width)]) { $0.rmsNorm($1[0], $1[1], epsilon: 1e-5) }
  }

  @Test("SwiGLU", arguments: [(1, 2), (3, 10)])
  func swiGLU(_ rows: Int, _ width: Int) {
    differences.check([(rows, width)]) { $0.swiGLU($1[0]) }
  }

  @Test("GELU")
  func gelu() {
    differences.check([(3, 7)]) { $0.gelu($1[0]) }
  }

  @Test("layer norm", arguments: [(1, 2), (3, 7), (5, 33)])
  func layerNorm(_ rows: Int, _ width: Int) {
    differences.check([(rows, width), (1, width), (1, width)]) {
      $0.layerNorm($1[0], weight: $1[1], bias: $1[2], epsilon: 1e-2)
    }
  }

  @Test("norms of heads", arguments: [(1, 1, 1), (3, 4, 2), (5, 3, 3)])
  func headNorm(_ rows: Int, _ count: Int, _ keyValueCount: Int) {
    let heads = AttentionHeads(count: count, keyValueCount: keyValueCount, size: 4)
    differences.check([(rows, 3), (heads.projectionWidth, 3), (1, 4), (1, 4)]) { tape, inputs in
      let projection = tape.linear(inputs[0], inputs[1])
      return tape.normalizeHeads(
        of: projection, heads, queryWeight: inputs[2], keyWeight: inputs[3], epsilon: 1e-2)
    }
  }

  @Test("norms of heads are those of their rows, and leave values alone")
  func headNormValues() {
    let heads = AttentionHeads(count: 2, keyValueCount: 1, size: 2)
    let tape = Tape<Double>(workers: differences.workers, pool: differences.pool, isRecording: false)
    let x = Matrix<Double>(rows: 1, columns: 8, pool: differences.pool)
    x.fill([3, 4, 0, 2, 6, 8, 5, 7])
    let (query, key) = (
      Matrix<Double>(rows: 1, columns: 2, pool: differences.pool),
      Matrix<Double>(rows: 1, columns: 2, pool: differences.pool)
    )
    query.fill([1, 10])
    key.fill([2, 1])
    let found = tape.normalizeHeads(
      of: tape.constant(x), heads, queryWeight: tape.constant(query), keyWeight: tape.constant(key), epsilon: 0)
    let (first, second, third) = (12.5.squareRoot(), 2.0.squareRoot(), 50.0.squareRoot())
    let expected = [3 / first, 40 / first, 0, 20 / second, 12 / third, 8 / third, 5, 7]
    #expect(zip(found.value.array, expected).allSatisfy { abs($0 - $1) < 1e-14 })
  }

  @Test("GELU's approximations")
  func approximateGELU() {
    differences.check([(3, 7)]) { $0.tanhGELU($1[0]) }
    differences.check([(3, 7)]) { $0.quickGELU($1[0]) }
    let tape = Tape<Double>(workers: differences.workers, pool: differences.pool, isRecording: false)
    let x = Matrix<Double>(rows: 1, columns: 3, pool: differences.pool)
    x.fill([-1.5, 0.25, 2])
    let byTanh = x.array.map { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    #expect(zip(tape.tanhGELU(tape.constant(x)).value.array, byTanh).allSatisfy { abs($0 - $1) < 1e-14 })
    let quick = x.array.map { $0 / (1 + exp(-1.702 * $0)) }
    #expect(zip(tape.quickGELU(tape.constant(x)).value.array, quick).allSatisfy { abs($0 - $1) < 1e-14 })
  }

  @Test("a low-rank change of some columns")
  func lowRank() {
    differences.check([(5, 4), (7, 4), (2, 4), (3, 2)]) { tape, inputs in
      tape.addLowRank(
        of: inputs[0], down: inputs[2], up: inputs[3], scale: 0.5, to: tape.linear(inputs[0], inputs[1]), at: 2)
    }
  }

  @Test("rows added to others")
  func addRows() {
    differences.check([(5, 3), (4, 3), (2, 3)]) { tape, inputs in
      let base = tape.linear(inputs[0], inputs[1])
      return tape.addRows(of: tape.linear(inputs[2], inputs[1]), to: base, at: [3, 1])
    }
  }

  @Test("weighted sums of rows")
  func weightedRows() {
    let taps = [(0, 0.25), (2, 0.75), (4, 1), (4, 0), (1, -0.5), (1, 2)].map { RowTap(row: $0, weight: $1) }
    differences.check([(5, 3)]) { $0.weightedRows(of: $1[0], taps: taps, count: 2) }
  }

  @Test("a residual sum")
  func add() {
    differences.check([(3, 4), (4, 4)]) { tape, inputs in
      tape.add(inputs[0], into: tape.linear(inputs[0], inputs[1]))
    }
  }

  @Test("another shape")
  func reshape() {
    differences.check([(4, 6), (5, 12)]) { tape, inputs in
      tape.linear(tape.reshape(inputs[0], rows: 2, columns: 12), inputs[1])
    }
  }

  @Test("rows by index, some twice")
  func rows() {
    differences.check([(5, 3)]) { $0.rows(of: $1[0], at: [4, 0, 0, 2, 4, 4]) }
  }

  @Test("rows in place of others")
  func replaceRows() {
    differences.check([(5, 3), (2, 3)]) { tape, inputs in
      let base = tape.rows(of: inputs[0], at: [0, 1, 2, 3, 4])
      return tape.replaceRows(of: base, at: [3, 1, 0], by: inputs[1], sources: [0, 1, 0])
    }
  }

  @Test("log-probabilities of targets", arguments: [1.0, 0.7])
  func logProbs(_ temperature: Double) {
    differences.check([(4, 3), (6, 3)]) { tape, inputs in
      tape.logProbs(inputs[0], inputs[1], targets: [5, 0, 2, 2], temperature: temperature)
    }
  }

  @Test("entropies, and log-probabilities beside them", arguments: [1.0, 0.7])
  func entropies(_ temperature: Double) {
    let targets: [Int32] = [5, 0, 2, 2]
    differences.check([(4, 3), (6, 3)]) { tape, inputs in
      tape.logProbsAndEntropies(inputs[0], inputs[1], targets: targets, temperature: temperature).entropies
    }
    differences.check([(4, 3), (6, 3)]) { tape, inputs in
      tape.logProbsAndEntropies(inputs[0], inputs[1], targets: targets, temperature: temperature).logProbs
    }
    differences.check([(4, 3), (6, 3)]) { tape, inputs in
      let both = tape.logProbsAndEntropies(inputs[0], inputs[1], targets: targets, temperature: temperature)
      return tape.add(both.entropies, into: both.logProbs)
    }
  }

  // torch.distributions.Categorical(probs=[0.1, 0.2, 0.3, 0.4]).entropy(), and of a uniform one ln 4.
  @Test("the entropy is −Σ p log p")
  func entropyValue() {
    let tape = Tape<Double>(workers: differences.workers, pool: differences.pool, isRecording: false)
    let x = Matrix<Double>(rows: 2, columns: 1, pool: differences.pool)
    x.fill([1, 0])
    let weight = Matrix<Double>(rows: 4, columns: 1, pool: differences.pool)
    weight.fill([0.1, 0.2, 0.3, 0.4].map { log($0) })
    let found = tape.logProbsAndEntropies(
      tape.constant(x), tape.constant(weight), targets: [0, 3], temperature: 1)
    #expect(abs(found.entropies.value.array[0] - 1.2798542258336676) < 1e-14)
    #expect(abs(found.entropies.value.array[1] - log(4)) < 1e-14)
    #expect(abs(found.logProbs.value.array[0] - log(0.1)) < 1e-14)
  }

  @Test(
    "attention",
    arguments: [
      AttentionCase(lengths: [3], prefixes: [nil], heads: 1, keyValueHeads: 1, isCausal: true),
      AttentionCase(lengths: [3, 1, 4], prefixes: [nil, nil, nil], heads: 2, keyValueHeads: 1, isCausal: false),
      AttentionCase(lengths: [3, 2, 1, 3], prefixes: [nil, 0, 0, 0], heads: 4, keyValueHeads: 2, isCausal: true),
      AttentionCase(lengths: [2, 2, 3, 1], prefixes: [nil, 0, nil, 2], heads: 2, keyValueHeads: 2, isCausal: true),
    ])
  func attention(_ sample: AttentionCase) {
    let heads = AttentionHeads(count: sample.heads, keyValueCount: sample.keyValueHeads, size: 4)
    let angles = sample.angles(size: 4, pool: differences.pool)
    differences.check([(sample.layout.rows, heads.projectionWidth)]) { tape, inputs in
      let projection = tape.rows(of: inputs[0], at: (0..<Int32(sample.layout.rows)).map { $0 })
      return tape.attention(projection, heads: heads, layout: sample.layout, angles: angles)
    }
  }
}

/// Segments of some lengths.
struct AttentionCase: CustomStringConvertible {
  let lengths: [Int]
  let prefixes: [Int?]
  let heads: Int
  let keyValueHeads: Int
  let isCausal: Bool

  var layout: AttentionLayout {
    var start = 0
    var segments: [AttentionLayout.Segment] = []
    for (length, prefix) in zip(lengths, prefixes) {
      segments.append(.init(start: start, count: length, prefix: prefix))
      start += length
    }
    return AttentionLayout(segments, isCausal: isCausal)
  }

  func angles(size: Int, pool: MemoryPool) -> RotaryAngles<Double> {
    let cosines = Matrix<Double>(rows: layout.rows, columns: size / 2, pool: pool)
    let sines = Matrix<Double>(rows: layout.rows, columns: size / 2, pool: pool)
    for index in 0..<cosines.count {
      cosines.pointer[index] = .init(Foundation.cos(Double(index) * 0.3))
      sines.pointer[index] = .init(Foundation.sin(Double(index) * 0.3))
    }
    return RotaryAngles(cosines: cosines, sines: sines)
  }

  var description: String { "\(lengths), prefixes \(prefixes.map { $0.map(String.init) ?? "-" }), \(heads) heads" }
}

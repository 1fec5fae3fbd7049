// SPDX-License-Identifier: Apache-2.0
import CKernels
import Foundation
import Tensor
import Testing

@Suite("Engine", .timeLimit(.minutes(15)))
struct EngineTests {
  @Test("every index is visited once, on any number of threads", arguments: [1, 2, 7])
  func loops(_ threads: Int) {
    let workers = Workers(threads: threads)
    for count in [0, 1, 2, 5, 1000] {
      let visits = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, count))
      defer { visits.deallocate() }
      visits.update(repeating: 0, count: count)
      workers.forEach(count) { visits[$0] += 1 }
      #expect((0..<count).allSatisfy { visits[$0] == 1 })
    }
  }

  @Test("a loop inside a loop is run by its own thread")
  func nested() {
    let workers = Workers(threads: 3)
    let sums = UnsafeMutablePointer<Int>.allocate(capacity: 20)
    defer { sums.deallocate() }
    sums.update(repeating: 0, count: 20)
    workers.forEach(20) { outer in workers.forEach(10) { sums[outer] += $0 } }
    #expect((0..<20).allSatisfy { sums[$0] == 45 })
  }

  @Test("a network gives the same bytes on 1, 2 and 7 threads")
  func threads() {
    func run(_ threads: Int) -> [[Float]] {
      let pool = MemoryPool()
      let tape = Tape<Float>(workers: Workers(threads: threads), pool: pool, isRecording: true)
      func parameter(_ rows: Int, _ columns: Int, _ seed: Int) -> Variable<Float> {
        let matrix = Matrix<Float>(rows: rows, columns: columns, pool: pool)
        matrix.fill((0..<rows * columns).map { Float(sin(Double($0 * seed) * 0.37)) * 0.2 })
        return Variable(matrix, needsGradient: true, keepsPacked: rows > 1, pool: pool)
      }
      let heads = AttentionHeads(count: 4, keyValueCount: 2, size: 16)
      let parameters = [
        parameter(70, 64, 1), parameter(1, 64, 2), parameter(heads.projectionWidth, 64, 3), parameter(64, 64, 4),
        parameter(384, 64, 5), parameter(64, 192, 6),
      ]
      let layout = AttentionLayout(
        [.init(start: 0, count: 210), .init(start: 210, count: 33, prefix: 0), .init(start: 243, count: 7, prefix: 0)],
        isCausal: true)
      let x = tape.rows(of: parameters[0], at: (0..<250).map { Int32($0 * 7 % 70) })
      let normal = tape.rmsNorm(x, parameters[1], epsilon: 1e-6)
      let attended = tape.attention(tape.linear(normal, parameters[2]), heads: heads, layout: layout, angles: nil)
      let middle = tape.add(x, into: tape.linear(attended, parameters[3]))
      let end = tape.add(
        middle, into: tape.linear(tape.swiGLU(tape.linear(middle, parameters[4])), parameters[5]))
      let result = tape.logProbs(end, parameters[0], targets: (0..<250).map { Int32($0 % 70) }, temperature: 0.8)
      result.gradientSum().fill((0..<250).map { Float($0 % 3) - 1 })
      let value = result.value.array
      tape.backward()
      return [value] + parameters.map { $0.gradient?.array ?? [] }
    }
    let one = run(1)
    #expect(one.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isFinite) })
    #expect(run(2) == one)
    #expect(run(7) == one)
  }

  @Test("a weight that keeps its packed form gives what another gives, before and after it changes")
  func packedWeights() {
    let pool = MemoryPool()
    let tape = Tape<Float>(workers: Workers(threads: 2), pool: pool, isRecording: false)
    func matrix(_ rows: Int, _ columns: Int, _ seed: Int) -> Matrix<Float> {
      let matrix = Matrix<Float>(rows: rows, columns: columns, pool: pool)
      matrix.fill((0..<rows * columns).map { Float(sin(Double($0 * seed) * 0.37)) })
      return matrix
    }
    for (rows, depth, columns) in [(1, 300, 530), (5, 64, 33), (150, 517, 96)] {
      let x = tape.constant(matrix(rows, depth, 3))
      let weight = matrix(columns, depth, 5)
      let keeps = Variable(weight, needsGradient: false, keepsPacked: true, pool: pool)
      for change in [1, 7] {
        weight.fill(matrix(columns, depth, change).array)
        keeps.valueChanged()
        let expected = tape.linear(x, tape.constant(weight)).value.array
        for _ in 0..<2 { #expect(tape.linear(x, keeps).value.array == expected) }
      }
    }
  }

  @Test("the exponential is that of the mathematics library to a unit in the last place or two")
  func exponential() {
    // Softmax of two scores is all that shows it: p = 1 / (1 + e^-x).
    for x in stride(from: Float(-80), through: 80, by: 0.37) {
      var scores: [Float] = [x, 0]
      var logSum: Float = 0
      ck_masked_softmax(CK_FLOAT, 1, 2, [0], 2, 1, &scores, 2, &logSum, 1)
      let expected = 1 / (1 + Foundation.exp(-Double(x)))
      // The exponential errs by 1.5 units in the last place, which are 3 roundings; the sum, its reciprocal and the
      // product round once each.
      #expect(abs(Double(scores[0]) - expected) <= 6 * 0x1p-24 * expected)
    }
  }

  @Test("memory is used again")
  func memory() {
    let pool = MemoryPool()
    var first: UnsafeMutablePointer<Float>?
    do { first = Matrix<Float>(rows: 10, columns: 100, pool: pool).pointer }
    #expect(Matrix<Float>(rows: 10, columns: 100, pool: pool).pointer == first)
    #expect(pool.peakBytes < 8192)
  }
}

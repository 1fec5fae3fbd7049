// SPDX-License-Identifier: Apache-2.0
import CKernels
import Foundation
import Tensor
import Testing

@Suite("Weights in a narrow format", .timeLimit(.minutes(15)))
struct NarrowWeightTests {
  private let pool = MemoryPool()

  private func matrix(_ rows: Int, _ columns: Int, _ seed: Int) -> Matrix<Float> {
    let matrix = Matrix<Float>(rows: rows, columns: columns, pool: pool)
    matrix.fill((0..<rows * columns).map { Float(sin(Double($0 * seed) * 0.37)) })
    return matrix
  }

  private func tape(_ weights: WeightFormat, threads: Int = 2) -> Tape<Float> {
    Tape(workers: Workers(threads: threads), pool: pool, isRecording: false, weights: weights)
  }

  private func keeping(_ weight: Matrix<Float>) -> Variable<Float> {
    Variable(weight, needsGradient: false, keepsPacked: true, pool: pool)
  }

  private static let shapes = [(1, 300, 530), (5, 64, 33), (150, 517, 96), (13, 7, 3)]

  private func rounded(_ matrix: Matrix<Float>) -> Matrix<Float> {
    let result = Matrix<Float>(rows: matrix.rows, columns: matrix.columns, pool: pool)
    result.fill(
      matrix.array.map { value in
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
      })
    return result
  }

  @Test("a product with bfloat16 is that with rounded weights, bit for bit, on any threads and instruction set")
  func bfloat16() {
    defer { _ = ck_use_instruction_set(nil) }
    for (rows, depth, columns) in Self.shapes {
      let (x, weight) = (matrix(rows, depth, 3), matrix(columns, depth, 5))
      let rounded = rounded(weight)
      for name in InstructionSets.available {
        #expect(ck_use_instruction_set(name))
        // There both sides are rounded: see below. An odd number of rows has no pairs.
        if InstructionSets.multipliesBFloat16, depth.isMultiple(of: 2) { continue }
        let expected = tape(.float32, threads: 1).linear(tape(.float32).constant(x), keeping(rounded)).value.array
        let found = tape(.bfloat16, threads: 1).linear(tape(.bfloat16).constant(x), keeping(weight)).value.array
        #expect(found == expected, "\(name), \(rows) × \(depth) × \(columns)")
      }
      _ = ck_use_instruction_set(nil)
      let one = tape(.bfloat16, threads: 1)
      for threads in [2, 7] {
        let many = tape(.bfloat16, threads: threads)
        #expect(
          many.linear(many.constant(x), keeping(weight)).value.array
            == one.linear(one.constant(x), keeping(weight)).value.array)
      }
    }
  }

  @Test("where the processor multiplies bfloat16, both sides are rounded, and the sums are those of single precision")
  func pairs() {
    guard InstructionSets.multipliesBFloat16 else { return }
    for (rows, depth, columns) in Self.shapes + [(97, 576, 300), (6, 600, 1), (2, 2, 49)] where depth.isMultiple(of: 2)
    {
      let (x, weight, bias) = (matrix(rows, depth, 3), matrix(columns, depth, 5), matrix(1, columns, 7))
      let (a, b) = (rounded(x), rounded(weight))
      let one = tape(.bfloat16, threads: 1)
      let found = one.linear(one.constant(x), keeping(weight), bias: one.constant(bias)).value
      for row in 0..<rows {
        for column in 0..<columns {
          let products = (0..<depth).map {
            Double(a.pointer[row * depth + $0]) * Double(b.pointer[column * depth + $0])
          }
          let exact = products.reduce(Double(bias.pointer[column]), +)
          let size = products.reduce(abs(Double(bias.pointer[column]))) { $0 + abs($1) }
          // Every sum is rounded, whether products are or not.
          let bound = Double(2 * depth + 2) * 0x1p-24 * size
          #expect(abs(Double(found.pointer[row * columns + column]) - exact) <= bound)
        }
      }
      for row in [0, rows / 2, rows - 1] {
        let alone = Matrix<Float>(rows: 1, columns: depth, pool: pool)
        alone.fill(Array(x.array[row * depth..<(row + 1) * depth]))
        let values = one.linear(one.constant(alone), keeping(weight), bias: one.constant(bias)).value.array
        #expect(values == Array(found.array[row * columns..<(row + 1) * columns]))
      }
    }
  }

  @Test("a product with int8 is off by half a step of each weight at most")
  func int8() {
    for (rows, depth, columns) in Self.shapes {
      let (x, weight) = (matrix(rows, depth, 3), matrix(columns, depth, 5))
      let (exact, narrow) = (tape(.float32), tape(.int8))
      let expected = exact.linear(exact.constant(x), keeping(weight)).value
      let found = narrow.linear(narrow.constant(x), keeping(weight)).value
      var differs = false
      for row in 0..<rows {
        let size = (0..<depth).reduce(0.0) { $0 + abs(Double(x.pointer[row * depth + $1])) }
        for column in 0..<columns {
          let largest = (0..<depth).map { abs(weight.pointer[column * depth + $0]) }.max() ?? 0
          // Half a step, and what dividing and multiplying by the scale round: the sums' own roundings are γ = depth · u.
          let step = Double(largest) / 127
          let bound = size * (0.5 * step + 4 * 0x1p-24 * Double(largest) * Double(depth + 3))
          let error = abs(
            Double(found.pointer[row * columns + column]) - Double(expected.pointer[row * columns + column]))
          #expect(error <= bound)
          if error > 0 { differs = true }
        }
      }
      #expect(differs)
    }
  }

  @Test("a column of zeros stays zero, and a changed weight counts")
  func changes() {
    let (x, weight) = (matrix(2, 9, 3), matrix(5, 9, 5))
    for format in [WeightFormat.bfloat16, .int8] {
      weight.fill(matrix(5, 9, 5).array.enumerated().map { $0.offset / 9 == 2 ? 0 : $0.element })
      let (tape, kept) = (tape(format), keeping(weight))
      let before = tape.linear(tape.constant(x), kept).value.array
      #expect(before[2] == 0 && before[7] == 0)
      weight.fill(weight.array.map { 2 * $0 })
      kept.valueChanged()
      #expect(tape.linear(tape.constant(x), kept).value.array == before.map { 2 * $0 })
    }
  }
}

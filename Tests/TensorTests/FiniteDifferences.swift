// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

/// Holds gradients against central differences, in double precision.
struct FiniteDifferences {
  let workers: Workers
  let pool = MemoryPool()

  init(threads: Int = 2) { workers = Workers(threads: threads) }

  /// Numbers between −1 and 1, the same every time.
  func numbers(_ rows: Int, _ columns: Int, seed: Int) -> Matrix<Double> {
    let matrix = Matrix<Double>(rows: rows, columns: columns, pool: pool)
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    matrix.fill(
      (0..<rows * columns).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Double(state >> 11) / Double(1 << 52) - 1
      })
    return matrix
  }

  /// Checks the gradients of Σ weights · f(inputs) with respect to every element of every input.
  ///
  /// With steps of 1e-5, a difference errs by a third derivative times 1e-10 / 6, and by the rounding of f: 1e-16 of the
  /// sum over 1e-5, or 1e-9 for sums of a hundred. The tolerance leaves third derivatives of a thousand; a wrong gradient
  /// is wrong by a share of itself.
  func check(
    _ shapes: [(Int, Int)], tolerance: Double = 2e-7, source: SourceLocation = #_sourceLocation,
    _ f: (Tape<Double>, [Variable<Double>]) -> Variable<Double>
  ) {
    let values = shapes.enumerated().map { numbers($1.0, $1.1, seed: $0 + 3) }
    let tape = Tape<Double>(workers: workers, pool: pool, isRecording: true)
    let inputs = values.map { Variable(copy($0), needsGradient: true, pool: pool) }
    let output = f(tape, inputs)
    let weights = numbers(output.value.rows, output.value.columns, seed: 99)
    output.gradientSum().fill(weights.array)
    tape.backward()
    var worst = 0.0
    for (index, value) in values.enumerated() {
      let gradient = inputs[index].gradient?.array ?? [Double](repeating: 0, count: value.count)
      for element in 0..<value.count {
        let step = 1e-5
        var sides: [Double] = []
        for sign in [1.0, -1.0] {
          let changed = values.enumerated().map { other, matrix in
            let matrix = copy(matrix)
            if other == index { matrix.pointer[element] += sign * step }
            return Variable(matrix, needsGradient: false, pool: pool)
          }
          let plain = Tape<Double>(workers: workers, pool: pool, isRecording: false)
          let result = f(plain, changed)
          sides.append(zip(result.value.elements, weights.elements).reduce(0) { $0 + $1.0 * $1.1 })
        }
        worst = max(worst, abs((sides[0] - sides[1]) / (2 * step) - gradient[element]))
      }
    }
    #expect(worst < tolerance, sourceLocation: source)
  }

  func copy(_ matrix: Matrix<Double>) -> Matrix<Double> {
    let result = Matrix<Double>(rows: matrix.rows, columns: matrix.columns, pool: pool)
    result.fill(matrix.elements)
    return result
  }
}

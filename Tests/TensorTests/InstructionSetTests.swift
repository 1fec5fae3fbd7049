// SPDX-License-Identifier: Apache-2.0
import CKernels
import Foundation
import Testing

/// The choice is the calling thread's alone, so that other tests do not notice.
@Suite("Instruction sets")
struct InstructionSetTests {
  private static func numbers(_ count: Int, _ seed: Double) -> [Float] {
    (0..<count).map { Float(sin(Double($0) * 0.61 + seed)) * 2 }
  }

  /// What the kernels make of the same odd-sized inputs.
  private static func results() -> [[Float]] {
    let (rows, width) = (5, 37)
    let x = numbers(rows * width, 1)
    let dy = numbers(rows * width, 2)
    let weight = numbers(width, 3)
    var all: [[Float]] = []
    var y = [Float](repeating: 0, count: rows * width)
    var inverse = [Float](repeating: 0, count: rows)
    ck_rms_norm(CK_FLOAT, rows, width, 1e-6, x, weight, &y, &inverse)
    all += [y, inverse]
    var dx = [Float](repeating: 0.5, count: rows * width)
    var dweight = [Float](repeating: 0.25, count: width)
    ck_rms_norm_backward(CK_FLOAT, rows, width, x, weight, inverse, dy, &dx, &dweight)
    all += [dx, dweight]
    let wide = numbers(rows * 2 * width, 4)
    ck_swiglu(CK_FLOAT, rows, width, wide, &y)
    var dwide = wide
    ck_swiglu_backward(CK_FLOAT, rows, width, wide, dy, &dwide)
    all += [y, dwide]
    ck_gelu(CK_FLOAT, rows * width, x, &y)
    all.append(y)
    var scores = x
    var logSums = [Float](repeating: 0, count: rows)
    ck_masked_softmax(CK_FLOAT, rows, 3, [34, 1, 20, 0, 16], width, 0.3, &scores, width, &logSums, 1)
    all += [scores, logSums]
    var logProbs = [Float](repeating: 0, count: rows)
    ck_target_log_probs(CK_FLOAT, rows, width, 0.7, x, [0, 36, 5, 17, 16], &logProbs, &logSums)
    all += [logProbs, logSums]
    var (m, v, values) = (numbers(width, 5), numbers(width, 6).map(abs), numbers(width, 7))
    ck_adam_step(CK_FLOAT, width, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.19, 0.002, 0.5, weight, &m, &v, &values)
    all += [m, v, values]
    var cached = numbers(6 * 30, 8)
    var output = [Float](repeating: 0, count: 6 * 9)
    ck_attend_cached(
      CK_FLOAT, 6, 4, 26, 9, 0.4, numbers(6 * 9, 9), numbers(26 * 18, 10), numbers(26 * 18, 11), 18, &cached, 30,
      &output)
    return all + [cached, output]
  }

  @Test("the same results to rounding")
  func agree() {
    defer { _ = ck_use_instruction_set(nil) }
    #expect(!ck_use_instruction_set("sse9"))
    #expect(ck_use_instruction_set("portable"))
    let expected = Self.results()
    #expect(expected.allSatisfy { $0.allSatisfy(\.isFinite) })
    for name in ["avx2", "avx512"] where ck_use_instruction_set(name) {
      #expect(String(cString: ck_instruction_set()) == name)
      for (found, expected) in zip(Self.results(), expected) {
        for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 3e-6 * max(1, abs(b))) }
      }
    }
  }
}

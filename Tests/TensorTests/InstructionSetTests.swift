// SPDX-License-Identifier: Apache-2.0
import CKernels
import KernelCheck
import Tensor
import Testing

/// The choice is the calling thread's alone, so that other tests do not notice.
@Suite("Instruction sets", .serialized, .timeLimit(.minutes(15)))
struct InstructionSetTests {
  /// The largest errors of the kernels in use, as shares of their bounds.
  private static func shares() -> [(kernel: String, share: Double)] {
    var found: [(kernel: String, share: Double)] = []
    withUnsafeMutablePointer(to: &found) { found in
      kc_check_kernels(
        { context, kernel, _, _, _, share in
          context?.assumingMemoryBound(to: [(kernel: String, share: Double)].self).pointee
            .append((kernel.map { String(cString: $0) } ?? "", share))
        }, found)
    }
    return found
  }

  @Test(
    "every kernel computes in float what it computes in double, within its rounding",
    arguments: InstructionSets.available)
  func kernels(_ name: String) {
    defer { _ = ck_use_instruction_set(nil) }
    #expect(ck_use_instruction_set(name))
    #expect(InstructionSets.current == name)
    let shares = Self.shares()
    #expect(Set(shares.map(\.kernel)).count == 32)
    for (kernel, share) in shares { #expect(share <= 1, "\(kernel)") }
  }

  /// The bits of all that the kernels in use compute in float.
  private static func bits() -> [String: [UInt32]] {
    var found: [String: [UInt32]] = [:]
    withUnsafeMutablePointer(to: &found) { found in
      kc_check_kernels(
        { context, kernel, values, _, count, _ in
          let bits = UnsafeBufferPointer(start: values, count: count).map(\.bitPattern)
          context?.assumingMemoryBound(to: [String: [UInt32]].self).pointee[
            kernel.map { String(cString: $0) } ?? "", default: []
          ] += bits
        }, found)
    }
    return found
  }

  @Test("all sets with a fused multiply-add give the same bits")
  func sameBits() {
    defer { _ = ck_use_instruction_set(nil) }
    var first: [String: [UInt32]]?
    for name in InstructionSets.available {
      #expect(ck_use_instruction_set(name))
      guard InstructionSets.arithmetic == "fused" else { continue }
      let found = Self.bits()
      for (kernel, bits) in first ?? found { #expect(found[kernel] == bits, "\(name): \(kernel)") }
      first = first ?? found
    }
  }

  @Test("an element of a product depends on its row and its column alone", arguments: InstructionSets.available)
  func shapes(_ name: String) {
    defer { _ = ck_use_instruction_set(nil) }
    #expect(ck_use_instruction_set(name))
    let (m, n, k) = (29, 301, 517)
    let a = (0..<m * k).map { Float(($0 * 7919) % 1013) / 1013 - 0.5 }
    let b = (0..<n * k).map { Float(($0 * 104_729) % 2003) / 2003 - 0.5 }
    var whole = [Float](repeating: 0, count: m * n)
    ck_gemm(CK_FLOAT, false, true, m, n, k, 1, a, k, b, k, 0, &whole, n)
    for (row, column, rows, columns) in [(3, 0, 1, n), (0, 17, m, 1), (5, 40, 7, 100), (28, 300, 1, 1)] {
      var part = [Float](repeating: 0, count: rows * columns)
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          ck_gemm(
            CK_FLOAT, false, true, rows, columns, k, 1, a.baseAddress! + row * k, k, b.baseAddress! + column * k, k, 0,
            &part, columns)
        }
      }
      for i in 0..<rows {
        for j in 0..<columns { #expect(part[i * columns + j] == whole[(row + i) * n + column + j]) }
      }
    }
  }

  @Test(
    "a number that is wrong by a 4096th is noticed", arguments: ["rms_norm", "swiglu", "row_dots", "attend_cached"])
  func fault(_ kernel: String) {
    kc_spoil(kernel)
    defer { kc_spoil(nil) }
    for (found, share) in Self.shares() { #expect((share > 1) == (found == kernel), "\(found): \(share)") }
  }

  @Test("products are those of a plain loop, within their rounding", arguments: InstructionSets.available)
  func products(_ name: String) {
    defer { _ = ck_use_instruction_set(nil) }
    #expect(ck_use_instruction_set(name))
    #expect(kc_check_products() <= 1)
  }

  @Test("a name that no machine has is refused, and the environment's choice is followed")
  func names() {
    #expect(InstructionSets.available.first == "portable")
    #expect(!ck_has_instruction_set("sse9"))
    #expect(!ck_use_instruction_set("sse9"))
    #expect(InstructionSets.refusal == nil)
  }
}

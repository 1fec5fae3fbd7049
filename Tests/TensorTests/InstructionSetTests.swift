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
    #expect(Set(shares.map(\.kernel)).count == 28)
    for (kernel, share) in shares { #expect(share <= 1, "\(kernel)") }
  }

  @Test(
    "a number that is wrong by a 4096th is noticed", arguments: ["rms_norm", "swiglu", "row_dots", "attend_cached"])
  func fault(_ kernel: String) {
    kc_spoil(kernel)
    defer { kc_spoil(nil) }
    for (found, share) in Self.shares() { #expect((share > 1) == (found == kernel), "\(found): \(share)") }
  }

  @Test("products are those of a plain loop, within their rounding")
  func products() { #expect(kc_check_products() <= 1) }

  @Test("a name that no machine has is refused, and the environment's choice is followed")
  func names() {
    #expect(InstructionSets.available.first == "portable")
    #expect(!ck_has_instruction_set("sse9"))
    #expect(!ck_use_instruction_set("sse9"))
    #expect(InstructionSets.refusal == nil)
  }
}

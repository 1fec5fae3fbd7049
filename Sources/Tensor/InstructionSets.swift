// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The instruction sets that there are kernels for.
package enum InstructionSets {
  /// The environment variable that names another than the best, for tests and comparisons.
  package static let variable = "SHUFFLE_R1_KERNELS"

  /// Those that this machine has, the best last.
  package static var available: [String] {
    ["portable", "avx2", "avx512", "avx512-bf16"].filter { ck_has_instruction_set($0) }
  }

  /// The one in use.
  package static var current: String { String(cString: ck_instruction_set()) }

  /// How results are rounded: the same for all kernels with a fused multiply-add, which is all but "portable" on x86-64.
  package static var arithmetic: String { String(cString: ck_arithmetic()) }

  /// Whether products of bfloat16 are those of the processor's own instruction.
  ///
  /// Both sides are rounded to it then, so that they differ from those of other processors by that rounding.
  package static var multipliesBFloat16: Bool { ck_multiplies_bf16_pairs() }

  /// Why nothing can be computed on so many threads, and what to do, in a sentence; nothing where it can.
  ///
  /// What a thread needs beside the model: its stack, its block of a matrix, and room for small values of all kinds, which end
  /// the process where they cannot be had.
  package static func problem(threads: Int) -> String? {
    let megabytes = 128 + 64 * max(1, threads)
    if ck_can_reserve(megabytes << 20) { return nil }
    return
      "a policy on \(threads) threads needs \(megabytes) MiB of address space beside the model, which the system does not give; "
      + "raise the limit with ulimit -v, or use fewer --threads"
  }

  /// What is wrong with the choice in the environment and what to do, in a sentence; nothing where it can be followed.
  package static var refusal: String? {
    guard let name = ck_refused_instruction_set() else { return nil }
    return "\(variable) is '\(String(cString: name))', but this machine's kernels are "
      + "\(available.joined(separator: ", ")); name one of them, or leave the variable unset"
  }
}

// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The instruction sets that there are kernels for.
package enum InstructionSets {
  /// The environment variable that names another than the best, for tests and comparisons.
  package static let variable = "SHUFFLE_R1_KERNELS"

  /// Those that this machine has, the best last.
  package static var available: [String] { ["portable", "avx2", "avx512"].filter { ck_has_instruction_set($0) } }

  /// The one in use.
  package static var current: String { String(cString: ck_instruction_set()) }

  /// Which of its own kernels the library for matrix products uses, as it names them.
  package static var products: String { String(cString: ck_blas_kernels()) }

  /// The library for matrix products, with its version.
  package static var productsLibrary: String { String(cString: ck_blas_name()) }

  /// Why matrix products cannot be computed on so many threads, and what to do, in a sentence; nothing where they can.
  package static func problem(threads: Int) -> String? {
    if let reason = ck_blas_problem() {
      return "OpenBLAS cannot be loaded (\(String(cString: reason))); install it: on Debian and Ubuntu, libopenblas0"
    }
    if ck_blas_reserve(max(1, threads)) { return nil }
    return
      "matrix products on \(threads) threads need \(threads * Int(CK_BLAS_MEGABYTES)) MiB of address space, which the system "
      + "does not give; raise the limit with ulimit -v, or use fewer --threads"
  }

  /// What is wrong with the choice in the environment and what to do, in a sentence; nothing where it can be followed.
  package static var refusal: String? {
    guard let name = ck_refused_instruction_set() else { return nil }
    return "\(variable) is '\(String(cString: name))', but this machine's kernels are "
      + "\(available.joined(separator: ", ")); name one of them, or leave the variable unset"
  }
}

// SPDX-License-Identifier: Apache-2.0
import KernelCheck
import PipelineCore
import Tensor

/// Says which kernels are in use, for the script that runs the tests under all of them.
struct EngineProbe {
  /// The names of the instruction sets that this machine has.
  func available() { print(InstructionSets.available.joined(separator: " ")) }

  /// The instruction set, how it rounds, and the largest error of a product as a share of what rounding may do.
  func run() throws {
    if let refusal = InstructionSets.refusal { throw PipelineError(.invalidSpec, refusal) }
    print(InstructionSets.current, InstructionSets.arithmetic, kc_check_products())
  }
}

// SPDX-License-Identifier: Apache-2.0
import Tensor

extension LanguageModel {
  /// Returns what no matrix uses to the system, after a computation.
  ///
  /// The pool keeps pieces of memory by their size. Batches differ in their rows, and so in the sizes of all their matrices:
  /// kept from one to the next, there would be pieces of every size that ever was.
  func releaseUnusedMemory() { pool.trim() }
}
